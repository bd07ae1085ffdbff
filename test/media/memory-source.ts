import { blankFrame } from '../../src/image/frame.ts'
import type { FrameSource } from '../../src/video/frame-source.ts'

/** A source of small made-up frames at the given times; the first bytes of a frame hold its number. */
export function memorySource(times: readonly number[], frameRate: number, width = 6, height = 4): FrameSource {
  return {
    info: {
      path: 'memory',
      width,
      height,
      frameRate,
      duration: times.at(-1)! - times[0]! + 1 / frameRate,
      frameCount: times.length,
      hasAudio: false,
      hasAlpha: false,
      description: 'memory',
    },
    warnings: [],
    async *frames({ range, signal } = {}) {
      let index = 0
      for (const [k, time] of times.entries()) {
        signal?.throwIfAborted()
        const place = range?.unit === 'seconds' ? time - times[0]! + 1e-9 : k
        if (place < (range?.start ?? 0) || place >= (range?.end ?? Infinity)) continue
        const image = blankFrame(width, height)
        image.data.fill(k % 251)
        image.data[0] = k & 255
        image.data[1] = k >> 8
        yield { index: index++, time, image }
      }
    },
    close: () => Promise.resolve(),
  }
}

/** The number that `memorySource` wrote into a frame. */
export function numberOf({ image }: { readonly image: { readonly data: Uint8Array } }): number {
  return image.data[0]! + image.data[1]! * 256
}
