import type { FrameRecord, RenderEvent } from '../animate/events.ts'
import { lookAhead } from '../animate/look-ahead.ts'
import { smooth, type MadeFrame, type SmoothFrame, type SmoothOptions } from '../animate/smooth.ts'
import type { Frame } from '../image/frame.ts'
import type { RenderFolder } from './render-folder.ts'
import type { FramePlace } from './result-frames.ts'

export interface SmoothedFolder extends SmoothOptions {
  readonly folder: RenderFolder
  /** How the frame that is smoothed was made. */
  readonly recordOf: (frame: number) => Omit<FrameRecord, 'frame' | 'time' | 'key' | 'shot'>
  readonly signal?: AbortSignal | undefined
}

/** Smooths frames into a render folder; those it holds already are kept. */
export async function* writeSmoothed(
  frames: AsyncIterable<MadeFrame>,
  { folder, recordOf, signal, ...options }: SmoothedFolder,
): AsyncGenerator<RenderEvent, FramePlace[], undefined> {
  const places: FramePlace[] = []
  const kept = async (frame: SmoothFrame): Promise<boolean> => (await folder.find(frame.index, frame.key)) !== undefined
  const begun = async (
    frame: SmoothFrame,
  ): Promise<SmoothFrame & { readonly image: Frame | undefined; readonly seconds: number }> => {
    const began = performance.now()
    const image = (await kept(frame)) ? undefined : await frame.make()
    return { ...frame, image, seconds: (performance.now() - began) / 1000 }
  }
  for await (const { index, time, shot, key, image, seconds } of lookAhead(smooth(frames, options), 2, begun)) {
    signal?.throwIfAborted()
    places.push({ frame: index, time })
    if (image === undefined) {
      yield { type: 'frame', frame: index, time, kept: true, seconds: 0, evaluations: 0 }
      continue
    }
    const record = recordOf(index)
    const total = Math.round(1000 * (record.seconds + seconds)) / 1000
    await folder.put({ ...record, frame: index, time, key, shot, seconds: total }, image)
    yield { type: 'frame', frame: index, time, kept: false, seconds: total, evaluations: record.evaluations }
  }
  return places
}
