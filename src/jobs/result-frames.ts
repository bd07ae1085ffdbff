import { readPng } from '../image/png.ts'
import type { FrameSource, TimedFrame, VideoInfo } from '../video/frame-source.ts'

/** A frame of a render: its number and its time on the source's clock. */
export interface FramePlace {
  readonly frame: number
  readonly time: number
}

/** The finished frames of a render as a source, with the times of the video they were made from. */
export function resultFrames(framePath: (frame: number) => string, places: readonly FramePlace[], info: VideoInfo): FrameSource {
  return {
    info: { ...info, frameCount: places.length, hasAudio: false },
    warnings: [],
    async *frames({ signal, range } = {}): AsyncGenerator<TimedFrame, void, undefined> {
      for (const [index, { frame, time }] of places.entries()) {
        signal?.throwIfAborted()
        const at = range?.unit === 'seconds' ? time : index
        if (range !== undefined && (at < range.start || at >= range.end)) continue
        yield { index, time, image: await readPng(framePath(frame)) }
      }
    },
    close: () => Promise.resolve(),
  }
}
