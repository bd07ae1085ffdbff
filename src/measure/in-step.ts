import type { FrameSource, TimedFrame } from '../video/frame-source.ts'

/** How far a set of sources went together, filled in while {@link inStep} runs. */
export interface InStepEnd {
  /** Frames that all of them had. */
  frames: number
  /** Positions of those that ended first; all of them where they are equally long. */
  ended: number[]
}

/**
 * Reads several sources frame by frame at once and stops with the shortest. Leaving the loop early stops all of them.
 *
 * @param end Filled in on the way.
 */
export async function* inStep(
  sources: readonly FrameSource[],
  end: InStepEnd,
  signal?: AbortSignal,
): AsyncGenerator<readonly TimedFrame[], void, undefined> {
  const readers = sources.map((source) => source.frames(signal === undefined ? {} : { signal })[Symbol.asyncIterator]())
  try {
    for (;;) {
      signal?.throwIfAborted()
      const next = await Promise.all(readers.map((reader) => reader.next()))
      const frames = next.flatMap((item) => (item.done === true ? [] : [item.value]))
      if (frames.length < sources.length) {
        end.ended = next.flatMap((item, i) => (item.done === true ? [i] : []))
        return
      }
      yield frames
      end.frames++
    }
  } finally {
    await Promise.all(readers.map(async (reader) => reader.return?.()))
  }
}
