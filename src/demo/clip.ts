import type { FrameRange, FrameSource, TimedFrame, VideoInfo } from '../video/frame-source.ts'
import { type DemoMotion, motionOf } from './motion.ts'
import { type Scene, createScene } from './scene.ts'
import { type View, createPainter, createView } from './shade.ts'

export interface DemoClipOptions {
  /** Pixels, default 256 x 384. Any size from 16 to 4096 a side: the dancer is always whole, the rest shows more of the landscape. */
  readonly width?: number
  readonly height?: number
  /** Default 48. The dance is a loop of 4 seconds; more frames go round again. */
  readonly frames?: number
  /** Frames a second, default 12. Frame k is shown at k / rate. */
  readonly rate?: number
}

/** A dancer in a meadow, drawn by code, whose every motion is known. */
export interface DemoClip extends FrameSource {
  readonly info: VideoInfo & { readonly frameCount: number; readonly duration: number }
  /** True motion of frame `index` (0 .. frames - 1); before the first and after the last frame the dance goes on. @throws RangeError. */
  motion(index: number): DemoMotion
  /** What the numbers of {@link DemoMotion.part} stand for. */
  readonly partNames: readonly string[]
}

/**
 * The built-in clip as a frame source. Frames are drawn when they are read; the same options give the same bytes on every machine.
 *
 * @throws RangeError naming the option.
 */
export function demoClip(options: DemoClipOptions = {}): DemoClip {
  const { width = 256, height = 384, frames: count = 48, rate = 12 } = options
  for (const [name, value] of Object.entries({ width, height }))
    if (!Number.isInteger(value) || value < 16 || value > 4096)
      throw new RangeError(`${name} of the demo clip is a whole number from 16 to 4096, got ${value}.`)
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`frames of the demo clip is a whole number from 1, got ${count}.`)
  if (!(rate > 0) || rate === Infinity) throw new RangeError(`rate of the demo clip is positive, got ${rate}.`)

  let scene: Scene | undefined
  let paint: ((view: View) => TimedFrame['image']) | undefined
  const views = new Map<number, View>()
  const closing = new AbortController()
  const sceneOf = (): Scene => (scene ??= createScene(width, height))
  // The two views used last are kept; a new one takes the memory of the older.
  const viewAt = (index: number): View => {
    let view = views.get(index)
    if (view) views.delete(index)
    else {
      const oldest = views.size < 2 ? undefined : [...views.keys()][0]!
      view = createView(sceneOf(), index / rate, oldest === undefined ? undefined : views.get(oldest))
      if (oldest !== undefined) views.delete(oldest)
    }
    views.set(index, view)
    return view
  }

  async function* frames(request: { range?: FrameRange; signal?: AbortSignal } = {}): AsyncGenerator<TimedFrame, void, void> {
    const { range = { unit: 'frames', start: 0, end: Infinity }, signal } = request
    const place = (k: number): number => (range.unit === 'seconds' ? k / rate + 1e-6 : k)
    let index = 0
    for (let k = 0; k < count && place(k) < range.end; k++) {
      if (place(k) < range.start) continue
      closing.signal.throwIfAborted()
      signal?.throwIfAborted()
      paint ??= createPainter(sceneOf())
      yield { index: index++, time: k / rate, image: paint(viewAt(k)) }
      // Drawing holds the thread; others get their turn between frames.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  let partNames: readonly string[] | undefined
  const names = (): readonly string[] => (partNames ??= [...new Set(sceneOf().parts.map(({ name }) => name))])

  return {
    info: {
      path: 'demo',
      width,
      height,
      frameRate: rate,
      duration: count / rate,
      frameCount: count,
      hasAudio: false,
      hasAlpha: false,
      description: `demo clip, ${width}x${height}, ${Number(rate.toFixed(2))} fps, ${count} frames`,
    },
    warnings: [],
    frames,
    motion: (index) => {
      if (!Number.isInteger(index) || index < 0 || index >= count)
        throw new RangeError(`index of a demo frame is a whole number from 0 to ${count - 1}, got ${index}.`)
      const before = viewAt(index - 1)
      return motionOf(sceneOf(), viewAt(index), before, (index + 1) / rate, names())
    },
    get partNames() {
      return names()
    },
    close: () => {
      closing.abort(new DOMException('The demo clip was closed.', 'AbortError'))
      return Promise.resolve()
    },
  }
}

/** True motion of one frame of {@link demoClip} with the same options. */
export function demoMotion(index: number, options: DemoClipOptions = {}): DemoMotion {
  return demoClip(options).motion(index)
}
