import type { FrameSource, TimedFrame } from './frame-source.ts'

/** Keeps the frames of a short source in memory once they were read, for clips that are costly to make and read several times. */
export function remembered(source: FrameSource): FrameSource {
  let kept: readonly TimedFrame[] | undefined
  return {
    info: source.info,
    warnings: source.warnings,
    async *frames(options = {}): AsyncGenerator<TimedFrame, void, undefined> {
      if (kept !== undefined && options.range === undefined) {
        for (const frame of kept) {
          options.signal?.throwIfAborted()
          yield frame
        }
        return
      }
      const read: TimedFrame[] = []
      for await (const frame of source.frames(options)) {
        read.push(frame)
        yield frame
      }
      if (options.range === undefined) kept = read
    },
    close: () => source.close(),
  }
}
