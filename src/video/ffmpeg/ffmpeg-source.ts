import { basename } from 'node:path'
import { OfgenError } from '../../errors.ts'
import type { FrameRange, FrameSource, TimedFrame } from '../frame-source.ts'
import { describeClock, describeFrame } from './describe-input.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { inputName, probeVideo, type VideoProbe } from './probe.ts'
import { lastWords, localOnly, startFfmpeg } from './run-ffmpeg.ts'

export interface FfmpegSourceOptions {
  readonly ffmpeg: Ffmpeg
  /** What shows through transparent parts, RGB 0..255; default white. */
  readonly background?: readonly [number, number, number]
  readonly signal?: AbortSignal | undefined
}

/**
 * A video file through ffmpeg. Times are exact (ticks of the file's time base); ranges in seconds count from the first frame and are
 * reached by seeking where the container has an index, with the same frames and times as without.
 *
 * @throws OfgenError `input_missing`, `video_unreadable`, `video_missing`.
 */
export async function openFfmpegSource(path: string, options: FfmpegSourceOptions): Promise<FrameSource> {
  const { ffmpeg, background = [255, 255, 255], signal: openSignal } = options
  const probe = await probeVideo(path, { ffmpeg, signal: openSignal })
  const warnings = [...probe.warnings]
  const warn = (sentence: string): void => {
    if (!warnings.includes(sentence)) warnings.push(sentence)
  }
  const closing = new AbortController()

  async function* frames(request: { range?: FrameRange; signal?: AbortSignal } = {}): AsyncGenerator<TimedFrame, void, void> {
    const signal = AbortSignal.any([closing.signal, ...(request.signal ? [request.signal] : [])])
    const range = request.range ?? { unit: 'frames', start: 0, end: Infinity }
    const seconds = range.unit === 'seconds'
    const from = seconds ? probe.firstTime + range.start - slack : range.start
    const to = seconds ? probe.firstTime + range.end - slack : range.end
    let seek = seconds ? seekPoint(probe, range.start) : undefined
    let index = 0
    for (;;) {
      let missed = false
      let number = 0
      for await (const { time, image } of decode(probe, { ffmpeg, background, signal, seek, warn })) {
        const place = seconds ? time : number
        if (seek !== undefined && number === 0 && place > from) {
          // The seek went past the start of the range; read from the beginning instead.
          missed = true
          break
        }
        number++
        if (place >= to) return
        if (place >= from) yield { index: index++, time, image }
      }
      if (!missed) return
      seek = undefined
    }
  }

  return {
    info: probe.info,
    warnings,
    frames,
    close: () => {
      closing.abort(new DOMException('The video was closed.', 'AbortError'))
      return Promise.resolve()
    },
  }
}

/** Less than any difference between frame times, more than the rounding of "2s" in floats. */
const slack = 1e-6

/** Where to seek to (seconds after the file's start) for a range that begins at `start`, or `undefined` to decode from the beginning. */
function seekPoint(probe: VideoProbe, start: number): number | undefined {
  // Containers with an index. Two seconds of run-up: pictures of an open group that refer to before the seek point are then all dropped.
  if (!/^(mov,|matroska)/.test(probe.format)) return undefined
  const point = probe.firstTime - probe.start + start - 2
  return point > 1 ? point : undefined
}

interface DecodeOptions {
  readonly ffmpeg: Ffmpeg
  readonly background: readonly [number, number, number]
  readonly signal: AbortSignal
  readonly seek: number | undefined
  readonly warn: (sentence: string) => void
}

async function* decode(probe: VideoProbe, options: DecodeOptions): AsyncGenerator<Omit<TimedFrame, 'index'>, void, void> {
  const { ffmpeg, background, signal, seek, warn } = options
  const { width, height, path, frameRate } = probe.info
  const name = basename(path)

  // 1. Start ffmpeg; its log tells the times, and what is broken.
  const ticks: (number | undefined)[] = []
  let clock = { numerator: 0, denominator: 1 }
  let wake: () => void = () => {}
  const state = { ended: false, late: false }
  let cut: string | undefined
  let damage: string | undefined
  const running = startFfmpeg(ffmpeg.path, decodeArguments(probe, ffmpeg, seek), {
    signal,
    onLine: (line) => {
      clock = describeClock(line) ?? clock
      const frame = describeFrame(line)
      if (frame) {
        ticks.push(frame.pts)
        wake()
      }
      // showinfo writes its lines in pieces, so a decoder's complaint may stand at the end of one.
      if (line.level !== 'info' || line.from.startsWith('Parsed_showinfo')) {
        if (cutSigns.test(line.text)) cut ??= line.text
        else damage ??= damageSigns.exec(line.text)?.[0]
      }
    },
  })
  const exit = running.exit.finally(() => {
    state.ended = true
    wake()
  })
  exit.catch(() => {})
  running.stdin.end()

  const tickOf = async (frame: number): Promise<void> => {
    // ffmpeg logs a frame before it writes it, so this is short; the limit only turns a log that cannot be read into an error.
    const limit = setTimeout(() => {
      state.late = true
      wake()
    }, 10_000)
    while (ticks.length === 0 && !state.ended && !state.late) await new Promise<void>((resolve) => (wake = resolve))
    clearTimeout(limit)
    if (state.late)
      throw new OfgenError('video_unreadable', `ffmpeg told no time for frame ${frame} of ${path}.`, {
        hint: 'Use another ffmpeg (--ffmpeg), version 5.1 or newer.',
      })
  }

  // 2. Raw pictures from stdout, each with the time that was logged for it.
  const channels = probe.hasAlpha ? 4 : 3
  const size = width * height * channels
  let buffer = new Uint8Array(size)
  let filled = 0
  let count = 0
  let offset = 0
  let last = -Infinity
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length;) {
        const part = Math.min(chunk.length - at, size - filled)
        buffer.set(chunk.subarray(at, at + part), filled)
        at += part
        filled += part
        if (filled < size) continue
        signal.throwIfAborted()
        if (ticks.length === 0 && !state.ended) await tickOf(count)
        const tick = ticks.shift()
        let time = tick === undefined ? NaN : (tick * clock.numerator) / clock.denominator + offset
        if (!(time > last)) {
          // No time, or a clock that jumps back (joined streams): go on with the mean rate.
          const next = last === -Infinity ? probe.firstTime : last + 1 / frameRate
          if (tick !== undefined) {
            offset += next - time
            warn(`The clock of ${name} jumps back at ${last.toFixed(2)} s; the frames after it follow on.`)
          }
          time = next
        }
        last = time
        count++
        let data = buffer
        if (channels === 4) {
          const flat = flatten(buffer, background)
          data = flat.rgb
          if (flat.clear) warn(`Transparent parts of ${name} are shown over ${colorName(background)}.`)
        }
        yield { time, image: { width, height, data } }
        buffer = new Uint8Array(size)
        filled = 0
      }
    }
    const { code, errors } = await exit
    signal.throwIfAborted()

    // 3. What could be read was read; say what is missing.
    const end = `${(last - probe.firstTime + 1 / frameRate).toFixed(2)} s`
    if (count === 0 && code !== 0 && seek === undefined)
      throw new OfgenError('video_unreadable', `No frame of ${path} can be decoded: ${lastWords({ code, errors })}.`, {
        hint: 'Check that the file plays in a video player.',
      })
    if (cut !== undefined || code !== 0)
      warn(`${name} is cut at ${seek === undefined ? `frame ${count} (${end})` : end}; the frames before that are used.`)
    else if (damage !== undefined) warn(`${name} is damaged in places (ffmpeg: "${damage}"); some frames may look wrong.`)
  } finally {
    await running.kill()
  }
}

const cutSigns = /partial file|ended prematurely|Read error|truncated/i
const damageSigns =
  /corrupt \w+( \w+)?|error while decoding( \w+)?|Invalid NAL unit size|Invalid data found|\S+ damaged|Error at MB/i

function decodeArguments(probe: VideoProbe, ffmpeg: Ffmpeg, seek: number | undefined): string[] {
  const { width, height, path } = probe.info
  const { space, primaries, transfer } = probe.color
  const filters = ['showinfo']
  if (probe.isHdr && ffmpeg.can.toneMap) {
    const known = (value: string, otherwise: string): string => (value === 'unknown' ? otherwise : value)
    const input = `tin=${transfer}:min=${known(space, 'bt2020nc')}:pin=${known(primaries, 'bt2020')}`
    filters.push(`zscale=${input}:t=linear:npl=100`, 'format=gbrpf32le', 'tonemap=hable:desat=0')
    filters.push('zscale=p=bt709:t=bt709:m=bt709:r=pc', 'format=gbrp')
  }
  // Files that name no matrix: high definition is BT.709 and the rest BT.601, as players take it (swscale alone takes all for BT.601).
  const guess =
    space === 'unknown' &&
    probe.pixelFormat.startsWith('yuv') &&
    (Math.max(width, height) >= 1280 || Math.min(width, height) > 576)
  const matrix = guess ? ':in_color_matrix=bt709' : ''
  filters.push(`scale=${width}:${height}${matrix}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp`)
  const input = ['-copyts', ...localOnly, '-i', inputName(path)]
  if (probe.decoder !== undefined) input.unshift('-c:v', probe.decoder)
  if (seek !== undefined) input.unshift('-noaccurate_seek', '-ss', seek.toFixed(6))
  const output = ['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filters.join(','), ...ffmpeg.passthrough]
  return ['-nostdin', ...input, ...output, '-f', 'rawvideo', '-pix_fmt', probe.hasAlpha ? 'rgba' : 'rgb24', 'pipe:1']
}

/** Puts RGBA over a colour. `clear` tells whether anything shone through. */
function flatten(
  rgba: Uint8Array,
  background: readonly [number, number, number],
): { rgb: Uint8Array<ArrayBuffer>; clear: boolean } {
  const [r, g, b] = background
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  let clear = false
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    const alpha = rgba[from + 3]!
    if (alpha === 255) {
      rgb[to] = rgba[from]!
      rgb[to + 1] = rgba[from + 1]!
      rgb[to + 2] = rgba[from + 2]!
    } else {
      clear = true
      rgb[to] = Math.round((rgba[from]! * alpha + r * (255 - alpha)) / 255)
      rgb[to + 1] = Math.round((rgba[from + 1]! * alpha + g * (255 - alpha)) / 255)
      rgb[to + 2] = Math.round((rgba[from + 2]! * alpha + b * (255 - alpha)) / 255)
    }
  }
  return { rgb, clear }
}

function colorName(color: readonly [number, number, number]): string {
  const name = color.join(',')
  return { '255,255,255': 'white', '0,0,0': 'black' }[name] ?? `rgb(${name})`
}
