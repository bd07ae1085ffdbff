import type { FrameRecord, RenderEvent } from '../animate/events.ts'
import { smooth, type SmoothOptions } from '../animate/smooth.ts'
import type { RenderFolder } from './render-folder.ts'
import type { FramePlace } from './result-frames.ts'

export interface SmoothedFolder extends SmoothOptions {
  readonly folder: RenderFolder
  /** How the frame that is smoothed was made. */
  readonly recordOf: (frame: number) => Omit<FrameRecord, 'frame' | 'time' | 'key' | 'shot'>
}

/** Smooths frames into a render folder; those it holds already are kept. */
export async function* writeSmoothed(options: SmoothedFolder): AsyncGenerator<RenderEvent, FramePlace[], undefined> {
  const { folder, recordOf, signal } = options
  const places: FramePlace[] = []
  for await (const { index, time, shot, key, make } of smooth(options)) {
    signal?.throwIfAborted()
    places.push({ frame: index, time })
    if ((await folder.find(index, key)) !== undefined) {
      yield { type: 'frame', frame: index, time, kept: true, seconds: 0, evaluations: 0 }
      continue
    }
    const began = performance.now()
    const image = await make()
    const record = recordOf(index)
    const seconds = Math.round(1000 * record.seconds + performance.now() - began) / 1000
    await folder.put({ ...record, frame: index, time, key, shot, seconds }, image)
    yield { type: 'frame', frame: index, time, kept: false, seconds, evaluations: record.evaluations }
  }
  return places
}
