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

/** Frames of a render that is under way, as a source: they come in any order and are read, once, in the order of their numbers. */
export interface ComingFrames {
  readonly source: FrameSource
  /** A frame is finished. */
  add(place: FramePlace): void
  /** There are no more. */
  end(): void
  /** There will be no more; who waits for one is told why. */
  fail(error: unknown): void
}

export function framesAsTheyCome(framePath: (frame: number) => string, info: VideoInfo): ComingFrames {
  const places = new Map<number, FramePlace>()
  let first = Infinity
  let end: 'open' | 'ended' | { readonly error: unknown } = 'open'
  let wake: () => void = () => undefined
  const change = (): void => wake()
  return {
    add(place) {
      places.set(place.frame, place)
      first = Math.min(first, place.frame)
      change()
    },
    end() {
      end = 'ended'
      change()
    },
    fail(error) {
      if (end === 'open') end = { error }
      change()
    },
    source: {
      info: { ...info, hasAudio: false },
      warnings: [],
      async *frames({ signal } = {}): AsyncGenerator<TimedFrame, void, undefined> {
        for (let index = 0; ; index++) {
          let place = places.get(first + index)
          while (place === undefined && end === 'open') {
            await new Promise<void>((resolve) => (wake = resolve))
            place = places.get(first + index)
          }
          signal?.throwIfAborted()
          if (typeof end === 'object') throw end.error
          if (place === undefined) return
          places.delete(place.frame)
          yield { index, time: place.time, image: await readPng(framePath(place.frame)) }
        }
      },
      close: () => Promise.resolve(),
    },
  }
}
