import { join } from 'node:path'
import { animate, type AnimateResult, type AnimateSettings } from '../animate/animate.ts'
import type { RenderEvent } from '../animate/events.ts'
import type { FrameControl } from '../animate/frame-controls.ts'
import type { PromptPlan } from '../animate/prompt-file.ts'
import type { FlowEstimator } from '../flow/flow.ts'
import { contactSheet } from '../image/contact-sheet.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import type { FrameSource, TimedFrame } from '../video/frame-source.ts'
import { openRenderFolder, type Manifest, type RenderFolder } from './render-folder.ts'
import { resultFrames } from './result-frames.ts'
import { writeReport } from './write-report.ts'
import { writeVideo, type VideoPlan } from './write-video.ts'

export interface CompareOptions {
  /** The source at the size of the result. */
  readonly source: FrameSource
  readonly model: DiffusionModel
  readonly flow: FlowEstimator
  readonly folder: RenderFolder
  readonly result: AnimateResult
  readonly settings: AnimateSettings
  readonly prompts: PromptPlan | undefined
  readonly controls: readonly FrameControl[]
  readonly manifest: Manifest
  readonly video: VideoPlan
  readonly signal: AbortSignal | undefined
}

/**
 * Renders every frame on its own too (fresh noise, no guidance), into `unguided/` of the render's folder, and writes what shows
 * the difference: `side-by-side.mp4` (source | unguided | ofgen) and `report.html`.
 */
export async function* compareRender(options: CompareOptions): AsyncGenerator<RenderEvent, void, undefined> {
  const { source, model, flow, folder, result, prompts, controls, manifest, signal } = options
  const places = result.frames
  const settings: AnimateSettings = { ...options.settings, method: 'none', noise: 'fresh' }
  const unguidedManifest: Manifest = { ...manifest, render: `${manifest.render}-unguided`, resolved: settings }

  // 1. The unguided frames.
  yield { type: 'stage', stage: 'unguided', frames: places.length }
  const unguidedFolder = await openRenderFolder(join(folder.path, 'unguided'), unguidedManifest, { overwrite: true })
  try {
    for await (const event of animate({ source, model, flow, store: unguidedFolder, settings, prompts, controls, signal })) {
      if (event.type === 'frame' || event.type === 'step') yield event
    }
    await unguidedFolder.save({ ...unguidedManifest, state: 'done' })
  } finally {
    await unguidedFolder.close()
  }
  const ours = resultFrames((frame) => folder.framePath(frame), places, source.info)
  const unguided = resultFrames((frame) => unguidedFolder.framePath(frame), places, source.info)

  // 2. Side by side.
  yield { type: 'stage', stage: 'video', frames: places.length }
  const besides = join(folder.path, 'side-by-side.mp4')
  await writeVideo(sideBySide(source, unguided, ours, signal), besides, { ...options.video, format: 'mp4' })
  yield { type: 'written', what: 'side-by-side', path: besides }

  // 3. The figures, by another flow than the render's own.
  const shown: Record<string, unknown> = { ...manifest.resolved, model: manifest.model.name }
  yield* writeReport({
    folder: folder.path,
    count: places.length,
    source,
    result: ours,
    baseline: unguided,
    renderedWith: flow.id,
    cuts: result.cuts,
    keyframes: result.keyframes,
    title: manifest.source.path,
    settings: Object.entries(shown).map(([name, value]) => ({
      name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
    })),
    signal,
  })
}

async function* sideBySide(
  source: FrameSource,
  unguided: FrameSource,
  ours: FrameSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<TimedFrame, void, undefined> {
  const options = signal === undefined ? {} : { signal }
  const others = [unguided, ours].map((one) => one.frames(options)[Symbol.asyncIterator]())
  for await (const frame of source.frames(options)) {
    const [left, right] = await Promise.all(others.map((one) => one.next()))
    if (left!.done === true || right!.done === true) return
    const cells = [
      { image: frame.image, label: 'source' },
      { image: left!.value.image, label: 'unguided' },
      { image: right!.value.image, label: 'ofgen' },
    ]
    yield { ...frame, image: contactSheet(cells, { columns: 3 }) }
  }
}
