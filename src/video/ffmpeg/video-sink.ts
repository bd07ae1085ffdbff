import { access, constants, rename, rm } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { OfgenError } from '../../errors.ts'
import type { Frame } from '../../image/frame.ts'
import { diskFull, writeError } from '../../image/whole-file.ts'
import type { FrameSink } from '../frame-sink.ts'
import type { TimedFrame } from '../frame-source.ts'
import { type Ffmpeg, findFfmpeg } from './find-ffmpeg.ts'
import { gifTick, setGifDelays, shortestDelay } from './gif-delays.ts'
import { inputName } from './probe.ts'
import { retime } from './retime.ts'
import {
  type FfmpegExit,
  lastWords,
  localOnly,
  ranOutOfSpace,
  runFfmpeg,
  type RunningFfmpeg,
  startFfmpeg,
  succeeded,
} from './run-ffmpeg.ts'
import { prepareSound } from './sound.ts'

export type VideoFormat = 'mp4' | 'webm' | 'gif'

export interface VideoSinkOptions {
  /** Without it: by the ending of the path, else `mp4`. */
  readonly format?: VideoFormat
  /** Mean frames per second; steers the encoder and gives the last frame its length. Times come from the frames. */
  readonly frameRate: number
  /** Quality on x264's scale, 0 (lossless) to 51, default 18. VP9's is derived from it (18 is its 31). Not for GIF. */
  readonly crf?: number
  /** The video whose sound goes into the result; without it, or without sound there, the result is silent. */
  readonly soundFrom?: string | undefined
  /** The frames are a part of the source: the result begins at 0 with the first of them, and has their part of the sound. */
  readonly excerpt?: boolean
  /** As for `findFfmpeg`. */
  readonly ffmpeg?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface VideoSink extends FrameSink {
  /** Sentences for the user; complete when `finish()` has resolved. */
  readonly warnings: readonly string[]
}

/** A first frame later than this on the source's clock (recordings of broadcasts) is moved to 0, seconds. */
const longestLead = 60

/**
 * A video file of frames: MP4 (H.264), WebM (VP9) or GIF. Frames are encoded as they come; `finish()` then gives them their times and
 * the sound. Times are those of the frames to 0.01 ms (MP4), 0.5 ms (WebM), 5 ms (GIF, which starts at 0 and merges frames that follow
 * in less than 20 ms). Odd sizes get one more row or column for H.264, repeated from the edge.
 * While it works there are `<path>.part` and files that begin so, as large as the result; the result appears at its path when done.
 *
 * @throws OfgenError `ffmpeg_missing` (also when it lacks the encoder), `output_unwritable`; writing and finishing: `disk_full`,
 *   `output_unwritable`, `render_failed`.
 */
export async function openVideoSink(path: string, options: VideoSinkOptions): Promise<VideoSink> {
  const { frameRate, crf = 18, signal, excerpt = false } = options
  const format = options.format ?? formatOf(path)
  if (!(frameRate > 0) || frameRate === Infinity) throw new RangeError(`frameRate is positive, got ${frameRate}.`)
  if (!(crf >= 0 && crf <= 51)) throw new RangeError(`crf is 0..51, got ${crf}.`)
  const ffmpeg = await findFfmpeg({ ffmpeg: options.ffmpeg })
  refuseUnable(ffmpeg, format)
  // The dot makes a file in the folder's place an error too.
  await access(`${dirname(path)}/.`, constants.W_OK).catch((error: unknown) => {
    throw writeError(error, path)
  })

  const part = `${path}.part`
  const encoded = `${part}.${format === 'webm' ? 'webm' : 'mkv'}`
  const temporary = new Set<string>()
  const warnings: string[] = []
  const times: number[] = []
  let encoder: { readonly running: RunningFfmpeg; readonly width: number; readonly height: number } | undefined
  let ticks = 0
  let merged = 0
  let done: Promise<string> | undefined

  const fail = (error: unknown): unknown => {
    signal?.throwIfAborted()
    const known = writeError(error, path)
    if (known instanceof OfgenError) return known
    return new OfgenError('render_failed', `${path} could not be put together: ${(error as Error).message.replace(/\.$/, '')}.`, {
      hint: 'Run the same command again, finished frames are kept; another --format may help.',
      cause: error,
    })
  }
  const failExit = (exit: FfmpegExit, doing: string): Error => {
    if (ranOutOfSpace(exit)) return diskFull(path)
    return new OfgenError('render_failed', `ffmpeg stopped while ${doing} ${path}: ${lastWords(exit)}.`, {
      hint: 'Run the same command again, finished frames are kept; another ffmpeg may help (--ffmpeg).',
    })
  }

  const write = async ({ time, image }: TimedFrame): Promise<void> => {
    if (done !== undefined) throw new TypeError('The video is finished; no frame can be added.')
    signal?.throwIfAborted()
    const last = times.at(-1)
    if (last !== undefined && !(time > last)) throw new RangeError(`Frames come in order of time, got ${time} s after ${last} s.`)
    if (encoder !== undefined && (encoder.width !== image.width || encoder.height !== image.height))
      throw new RangeError(`All frames are ${encoder.width}x${encoder.height}, got ${image.width}x${image.height}.`)
    if (format === 'gif') {
      const tick = gifTick(time, times[0] ?? time)
      if (last !== undefined && tick < ticks + shortestDelay) {
        merged++
        return
      }
      ticks = tick
    }
    if (encoder === undefined) {
      temporary.add(encoded)
      const { width, height } = image
      const rows = format === 'mp4' ? evenSides(width, height) : { width, height }
      const args = encodeArguments(format, ffmpeg, { ...rows, frameRate, crf, encoded })
      encoder = { running: startFfmpeg(ffmpeg.path, args, { signal }), width, height }
    }
    times.push(time)
    const { running } = encoder
    const bytes = format === 'mp4' ? padEven(image) : image.data
    try {
      await new Promise<void>((resolve, reject) => {
        running.stdin.write(bytes, (error) => (error ? reject(error) : resolve()))
      })
    } catch (error) {
      const exit = await running.exit.catch(() => {
        throw fail(error)
      })
      signal?.throwIfAborted()
      throw failExit(exit, 'encoding')
    }
  }

  const complete = async (): Promise<string> => {
    // 1. The encoder ends.
    if (encoder === undefined)
      throw new OfgenError('render_failed', `There is no frame for ${path}.`, { hint: 'Choose a range with at least one frame.' })
    encoder.running.stdin.end()
    const exit = await encoder.running.exit
    signal?.throwIfAborted()
    if (!succeeded(exit)) throw failExit(exit, 'encoding')

    // 2. Times and sound, into `<path>.part`.
    temporary.add(part)
    if (format === 'gif') await finishGif()
    else await finishVideo(format)

    // 3. The result appears.
    await rename(part, path)
    temporary.delete(part)
    return path
  }

  const finishVideo = async (format: 'mp4' | 'webm'): Promise<void> => {
    const first = times[0]!
    const lastDuration = 1 / frameRate
    const moved = excerpt || first < 0 || first > longestLead
    const shift = moved ? first : 0
    if (moved && !excerpt) warnings.push(`The source's clock begins at ${first.toFixed(3)} s; the result begins at 0.`)
    const window = excerpt ? { from: first, to: times.at(-1)! + lastDuration } : { from: -Infinity, to: Infinity }
    let sound: { path: string; from: number; to: number } | undefined
    if (options.soundFrom !== undefined) {
      const name = `${part}.sound`
      for (const ending of ['mp4', 'webm']) temporary.add(`${name}.${ending}`)
      const prepared = await prepareSound(options.soundFrom, { format, ffmpeg, temporary: name, ...window, signal })
      warnings.push(...prepared.warnings)
      if (prepared.path !== undefined) sound = { path: prepared.path, ...window }
    }
    await retime({ format, encoded, times, lastDuration, shift, sound, target: part, signal })
  }

  const finishGif = async (): Promise<void> => {
    const palette = `${part}.png`
    temporary.add(palette)
    const run = async (...args: string[]): Promise<void> => {
      const exit = await runFfmpeg(ffmpeg.path, ['-nostdin', '-y', ...localOnly, ...args], { signal })
      if (!succeeded(exit)) throw failExit(exit, 'writing')
    }
    await run('-i', inputName(encoded), '-vf', 'palettegen', inputName(palette))
    const mapped = ['-lavfi', 'paletteuse', ...ffmpeg.passthrough, '-f', 'gif', inputName(part)]
    await run('-i', inputName(encoded), '-i', inputName(palette), ...mapped)
    const starts = times.map((time) => gifTick(time, times[0]!))
    const end = Math.max(gifTick(times.at(-1)! + 1 / frameRate, times[0]!), starts.at(-1)! + shortestDelay)
    const delays = starts.map((start, i) => Math.min(65535, (starts[i + 1] ?? end) - start))
    await setGifDelays(part, delays)
    if (merged > 0) warnings.push(`${merged} frames that follow in less than 20 ms were left out: GIF cannot show them.`)
  }

  const clean = async (): Promise<void> => {
    await encoder?.running.kill()
    for (const file of temporary) await rm(file, { force: true }).catch(() => {})
    temporary.clear()
  }

  const finish = async (): Promise<string> => {
    try {
      return await complete()
    } catch (error) {
      throw fail(error)
    } finally {
      await clean()
    }
  }

  return {
    warnings,
    write,
    finish: () => (done ??= finish()),
    close: clean,
  }
}

function formatOf(path: string): VideoFormat {
  const ending = extname(path).toLowerCase()
  return ending === '.webm' ? 'webm' : ending === '.gif' ? 'gif' : 'mp4'
}

function refuseUnable({ can, path }: Ffmpeg, format: VideoFormat): void {
  const [able, what] = (
    { mp4: [can.h264, 'libx264 for MP4'], webm: [can.vp9, 'libvpx-vp9 for WebM'], gif: [can.gif, 'palettes for GIF'] } as const
  )[format]
  if (able) return
  throw new OfgenError('ffmpeg_missing', `The ffmpeg at ${path} was built without ${what}.`, {
    hint: 'Choose another --format, or install a complete ffmpeg from https://ffmpeg.org/download.html.',
  })
}

function encodeArguments(
  format: VideoFormat,
  { can }: Ffmpeg,
  { width, height, frameRate, crf, encoded }: { width: number; height: number; frameRate: number; crf: number; encoded: string },
): string[] {
  // A GIF's frames get their delays later; 10 a second keeps them apart on its grid.
  const rate = format === 'gif' ? 10 : frameRate
  const input = [
    '-y',
    '-f',
    'rawvideo',
    '-pixel_format',
    'rgb24',
    '-video_size',
    `${width}x${height}`,
    '-framerate',
    String(rate),
  ]
  // Both forms: older builds take the tags of the file from the options, newer ones from the frames.
  const tags = ['-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv']
  const tagged = can.tagFrames ? ',setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv' : ''
  const yuv = `scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p${tagged}`
  const coder = {
    mp4: ['-vf', yuv, '-c:v', 'libx264', '-preset', 'medium', '-crf', String(crf), ...tags],
    webm: [
      '-vf',
      yuv,
      '-c:v',
      'libvpx-vp9',
      '-deadline',
      'good',
      '-cpu-used',
      '5',
      '-row-mt',
      '1',
      '-b:v',
      '0',
      '-crf',
      vp9Crf(crf),
      ...tags,
    ],
    gif: ['-pix_fmt', 'bgr0', '-c:v', 'ffv1'],
  }[format]
  return [...input, '-i', 'pipe:0', ...coder, inputName(encoded)]
}

/** VP9's scale ends at 63, and its 31 looks like x264's 18. */
function vp9Crf(crf: number): string {
  return String(Math.round(14 + (crf * 49) / 51))
}

function evenSides(width: number, height: number): { width: number; height: number } {
  return { width: width + (width % 2), height: height + (height % 2) }
}

/** Repeats the last column and row where a side is odd. */
function padEven({ width, height, data }: Frame): Uint8Array {
  const even = evenSides(width, height)
  if (even.width === width && even.height === height) return data
  const row = even.width * 3
  const out = new Uint8Array(row * even.height)
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * width * 3, (y + 1) * width * 3), y * row)
    if (even.width > width) out.copyWithin(y * row + width * 3, y * row + width * 3 - 3, y * row + width * 3)
  }
  if (even.height > height) out.copyWithin(height * row, (height - 1) * row, height * row)
  return out
}
