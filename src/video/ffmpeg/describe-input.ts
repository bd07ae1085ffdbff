import type { LogLine } from './run-ffmpeg.ts'

/** What ffmpeg says of an input file before and with its first frame. */
export interface InputDescription {
  /** Container, as ffmpeg's demuxers are called: `mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm`, `gif`, … */
  format: string
  /** Seconds; `undefined` where the container does not tell. */
  duration: number | undefined
  /** Where the clock of the file begins: the earliest of all streams, seconds. */
  start: number
  streams: StreamDescription[]
}

export interface StreamDescription {
  readonly index: number
  readonly kind: string
  readonly codec: string
  /** All that ffmpeg says of the stream, codec first. */
  readonly text: string
  readonly attachedPicture: boolean
  readonly isDefault: boolean
  /** Mean frames per second, two decimals; `undefined` where not said. */
  readonly rate: number | undefined
  /** From `alpha_mode: 1` in the metadata: VP8 and VP9 keep their alpha beside the picture. */
  alphaBeside: boolean
}

/** What the showinfo filter says of a frame. */
export interface FrameDescription {
  /** Ticks of `timeBase`; `undefined` where the file gives none. */
  readonly pts: number | undefined
  readonly pixelFormat: string
  /** Sides of the samples in proportion, width : height; 1 where unknown. */
  readonly sampleAspect: number
  readonly width: number
  readonly height: number
}

/** Collects a description from log lines, as they come. */
export function describeInput(): { readonly input: InputDescription; readonly read: (line: LogLine) => void } {
  const input: InputDescription = { format: '', duration: undefined, start: 0, streams: [] }
  let inInput = false
  return {
    input,
    read: ({ from, text }) => {
      if (from !== '') return
      const head = /^Input #0, (\S+), from /.exec(text)
      if (head) {
        input.format = head[1]!
        inInput = true
        return
      }
      if (/^(Stream mapping|Output #|Press )/.test(text)) inInput = false
      if (!inInput) return
      const duration = /^ +Duration: (?:(\d+):(\d+):([\d.]+)|N\/A)(?:, start: (-?[\d.]+))?/.exec(text)
      if (duration) {
        if (duration[1] !== undefined)
          input.duration = Number(duration[1]) * 3600 + Number(duration[2]) * 60 + Number(duration[3])
        input.start = Number(duration[4] ?? 0)
        return
      }
      const stream = /^ +Stream #0:(\d+)\S*: (\w+): (.*)$/.exec(text)
      if (stream) {
        const about = stream[3]!
        const rate = /, ([\d.]+)(k?) fps\b/.exec(about)
        input.streams.push({
          index: Number(stream[1]),
          kind: stream[2]!,
          codec: /^[\w-]+/.exec(about)?.[0] ?? 'unknown',
          text: about,
          attachedPicture: about.includes('(attached pic)'),
          isDefault: about.includes('(default)'),
          rate: rate ? Number(rate[1]) * (rate[2] === 'k' ? 1000 : 1) : undefined,
          alphaBeside: false,
        })
        return
      }
      if (/^ +alpha_mode +: 1$/i.test(text)) input.streams.at(-1)!.alphaBeside = true
    },
  }
}

/** Reads showinfo's line of a frame, also when it is glued to the unfinished line of another thread; `undefined` for other lines. */
export function describeFrame({ text }: LogLine): FrameDescription | undefined {
  const match = /n: *\d+ pts: *(-?\d+|NOPTS) *pts_time:.*?fmt:(\w+) (?:.*?sar:(\d+)\/(\d+) )?.*?\bs:(\d+)x(\d+)/.exec(text)
  if (!match) return undefined
  const [, pts, pixelFormat, across, down, width, height] = match
  return {
    pts: pts === 'NOPTS' ? undefined : Number(pts),
    pixelFormat: pixelFormat!,
    sampleAspect: Number(across) > 0 && Number(down) > 0 ? Number(across) / Number(down) : 1,
    width: Number(width),
    height: Number(height),
  }
}

/** The time base (seconds a tick, as a fraction) and the frame rate of a stream. */
export interface ClockDescription {
  readonly numerator: number
  readonly denominator: number
  readonly frameRate: number | undefined
}

/** Reads showinfo's `config in` line; `undefined` for its other lines. */
export function describeClock({ from, text }: LogLine): ClockDescription | undefined {
  if (!from.startsWith('Parsed_showinfo')) return undefined
  const match = /config in time_base: (\d+)\/(\d+), frame_rate: (\d+)\/(\d+)/.exec(text)
  if (!match) return undefined
  const [a, b, c, d] = match.slice(1).map(Number) as [number, number, number, number]
  return { numerator: a, denominator: b, frameRate: c > 0 && d > 0 ? c / d : undefined }
}

/** Colour as ffmpeg names it; `unknown` where the file does not say. */
export interface ColorDescription {
  readonly space: string
  readonly primaries: string
  readonly transfer: string
}

/** Reads showinfo's line of a frame's colours; `undefined` for its other lines. */
export function describeColor({ from, text }: LogLine): ColorDescription | undefined {
  if (!from.startsWith('Parsed_showinfo')) return undefined
  const match = /color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)/.exec(text)
  return match ? { space: match[1]!, primaries: match[2]!, transfer: match[3]! } : undefined
}
