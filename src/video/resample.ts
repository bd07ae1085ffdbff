import type { FrameSource, TimedFrame } from './frame-source.ts'

/**
 * The source at a lower rate: at every tick n / rate, counted from the first frame, the latest frame that is not after it, with the
 * tick's time. A frame is never shown twice: where the source has nothing new at a tick, the tick is left out, so a rate above the
 * source's own adds nothing. At the source's own rate or above, the source comes through untouched.
 *
 * Frame numbers of a range count the frames of the result; seconds count from the first frame, as everywhere.
 */
export function atRate(source: FrameSource, rate: number): FrameSource {
  if (!(rate > 0) || rate === Infinity) throw new RangeError(`rate is positive, got ${rate}.`)
  const { info } = source
  if (rate >= info.frameRate * 0.999) return source

  let origin: Promise<number> | undefined
  const findOrigin = async (signal: AbortSignal | undefined): Promise<number> => {
    const first = { range: { unit: 'frames', start: 0, end: 1 } as const, ...(signal ? { signal } : {}) }
    for await (const { time } of source.frames(first)) return time
    return 0
  }

  async function* frames(request: Parameters<FrameSource['frames']>[0] = {}): AsyncGenerator<TimedFrame, void, void> {
    const { range, signal } = request
    const seconds = range?.unit === 'seconds'
    const begin = seconds ? Math.ceil(range.start * rate - slack) : 0
    const end = seconds ? Math.ceil(range.end * rate - slack) : Infinity
    // Frames that belong to tick `begin` come after the tick before it.
    const part = seconds ? { unit: 'seconds' as const, start: Math.max(0, (begin - 1) / rate), end: range.end } : undefined
    const start = seconds ? await (origin ??= findOrigin(signal)) : undefined
    const inner = source.frames({ ...(part ? { range: part } : {}), ...(signal ? { signal } : {}) })
    let number = 0
    let index = 0
    for await (const { n, time, image } of takeAtTicks(inner, rate, 1 / info.frameRate, start)) {
      if (n >= end || (!seconds && number >= (range?.end ?? Infinity))) return
      if (n >= begin && (seconds || number >= (range?.start ?? 0))) yield { index: index++, time, image }
      number++
    }
  }

  return {
    info: {
      ...info,
      frameRate: rate,
      frameCount: info.duration === undefined ? undefined : Math.max(1, Math.round(info.duration * rate)),
    },
    warnings: source.warnings,
    frames,
    close: () => source.close(),
  }
}

/** Fractions of a tick that are rounding and not time. */
const slack = 1e-4

interface TickFrame extends Omit<TimedFrame, 'index'> {
  readonly n: number
}

async function* takeAtTicks(
  frames: AsyncIterable<TimedFrame>,
  rate: number,
  lastDuration: number,
  start: number | undefined,
): AsyncGenerator<TickFrame, void, void> {
  // A frame belongs to the first tick that is not before it, unless a later frame belongs there too.
  let origin = start
  let held: { n: number; frame: TimedFrame } | undefined
  const at = (n: number): number => origin! + n / rate
  for await (const frame of frames) {
    origin ??= frame.time
    const n = Math.max(0, Math.ceil((frame.time - origin) * rate - slack))
    if (held !== undefined && n > held.n) yield { n: held.n, time: at(held.n), image: held.frame.image }
    held = { n, frame }
  }
  // The last frame's tick may lie where the video has ended.
  if (held !== undefined && (held.n === 0 || at(held.n) < held.frame.time + lastDuration - 1e-6))
    yield { n: held.n, time: at(held.n), image: held.frame.image }
}
