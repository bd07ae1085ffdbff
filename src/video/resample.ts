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

  async function* frames(request: Parameters<FrameSource['frames']>[0] = {}): AsyncGenerator<TimedFrame, void, void> {
    const { range, signal } = request
    const byNumber = range?.unit === 'frames' ? range : undefined
    const rest = { ...(signal ? { signal } : {}), ...(range && byNumber === undefined ? { range } : {}) }
    let number = 0
    let index = 0
    for await (const { time, image } of takeAtTicks(source.frames(rest), rate, 1 / info.frameRate)) {
      if (byNumber !== undefined && number >= byNumber.end) return
      if (byNumber === undefined || number >= byNumber.start) yield { index: index++, time, image }
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

async function* takeAtTicks(
  frames: AsyncIterable<TimedFrame>,
  rate: number,
  lastDuration: number,
): AsyncGenerator<Omit<TimedFrame, 'index'>, void, void> {
  // A frame belongs to the first tick that is not before it, unless a later frame belongs there too.
  let origin: number | undefined
  let held: { n: number; frame: TimedFrame } | undefined
  for await (const frame of frames) {
    origin ??= frame.time
    const n = Math.max(0, Math.ceil((frame.time - origin) * rate - 1e-4))
    if (held !== undefined && n > held.n) yield { time: origin + held.n / rate, image: held.frame.image }
    held = { n, frame }
  }
  // The last frame's tick may lie where the video has ended.
  if (held !== undefined && (held.n === 0 || origin! + held.n / rate < held.frame.time + lastDuration - 1e-6))
    yield { time: origin! + held.n / rate, image: held.frame.image }
}
