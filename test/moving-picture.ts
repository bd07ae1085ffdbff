import { blankFrame, type Frame } from '../src/image/frame.ts'
import type { FrameSource, TimedFrame } from '../src/video/frame-source.ts'

/** A smooth texture moved by `shift` pixels; `scene` chooses another texture. */
export function texture(width: number, height: number, shift: number, scene = 0): Frame {
  const frame = blankFrame(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const u = x - shift
      const wave = (a: number, b: number, c: number): number => 127 + 100 * Math.sin(u / a + scene * c) * Math.cos(y / b + scene)
      const i = (y * width + x) * 3
      frame.data[i] = scene === 0 ? wave(5, 7, 1) : 255 - wave(9, 4, 2)
      frame.data[i + 1] = scene === 0 ? wave(8, 5, 2) : 40
      frame.data[i + 2] = scene === 0 ? 90 : wave(6, 6, 3)
    }
  return frame
}

/** A source of made frames. */
export function madeSource(frames: readonly Frame[], rate = 12): FrameSource {
  const { width, height } = frames[0] ?? { width: 64, height: 48 }
  return {
    info: {
      path: 'made',
      width,
      height,
      frameRate: rate,
      duration: frames.length / rate,
      frameCount: frames.length,
      hasAudio: false,
      hasAlpha: false,
      description: 'made by a test',
    },
    warnings: [],
    async *frames({ signal } = {}): AsyncGenerator<TimedFrame, void, undefined> {
      for (const [index, image] of frames.entries()) {
        signal?.throwIfAborted()
        yield { index, time: index / rate, image }
      }
    },
    close: () => Promise.resolve(),
  }
}
