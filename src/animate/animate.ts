import { OfgenError } from '../errors.ts'
import type { Flow, FlowEstimator } from '../flow/flow.ts'
import { flowSchedule } from '../guidance/flow-schedule.ts'
import { referenceSchedule, type GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import type { FloatImage, Frame, Plane } from '../image/frame.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { startAnalysis } from './analysis.ts'
import type { RenderEvent } from './events.ts'
import { readFootage, type FootageFrame } from './footage.ts'
import { controlIdentity, createControls, withGivenMaps, type FrameControl } from './frame-controls.ts'
import { frameByFrame } from './frame-by-frame.ts'
import type { FrameStore } from './frame-store.ts'
import { createFrameWriter } from './frame-writer.ts'
import { byKeyframes } from './keyframes.ts'
import { createOutbox, meanwhile } from './outbox.ts'
import { createPainter, type PaintSettings } from './painter.ts'
import type { PromptPlan } from './prompt-file.ts'
import type { AnimateRun } from './run.ts'

/** How a video is animated. */
export interface AnimateSettings extends PaintSettings {
  readonly seed: number
  readonly method: 'flow' | 'previous' | 'reference' | 'none'
  readonly noise: 'carried' | 'same' | 'fresh'
}

export interface AnimateOptions {
  /** Frames of the size in the settings. */
  readonly source: FrameSource
  readonly model: DiffusionModel
  /** How the source's motion is found. */
  readonly flow: FlowEstimator
  readonly store: FrameStore
  readonly settings: AnimateSettings
  /** Instead of the method's own weights; `id` stands for its code in content keys. */
  readonly schedule?: { readonly id: string; readonly weights: GuidanceSchedule } | undefined
  /** Prompts by frame, instead of the settings' one. */
  readonly prompts?: PromptPlan | undefined
  /** ControlNets of the model, and what they see. */
  readonly controls?: readonly FrameControl[] | undefined
  readonly onDebug?: DebugWriter | undefined
  /** Hears of every frame of the source when it is read, with its motion; the next is read when this resolves. */
  readonly onFootage?: ((item: FootageFrame) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Gets a picture of what happens inside: the source frame, the moved result, the weights of the first step on the latent grid, the flow. */
export type DebugWriter = (
  name: 'raw' | 'warped' | 'weight' | 'flow' | `control${number}`,
  frame: number,
  content: { readonly image: Frame | FloatImage } | { readonly plane: Plane } | { readonly flow: Flow },
) => Promise<void>

export interface AnimateResult {
  /** Every frame of the source, in order. */
  readonly frames: readonly { readonly frame: number; readonly time: number }[]
  /** First frames of shots but the first. */
  readonly cuts: readonly number[]
  /** Frames that others were made from; empty for methods that go frame by frame. */
  readonly keyframes: readonly number[]
  /** Network evaluations of this run. */
  readonly evaluations: number
  /** Seconds of this run, and of those the seconds that the engine worked. */
  readonly seconds: number
  readonly engineSeconds: number
}

/**
 * Animates a video. Frames that the store holds under the same key are kept. Memory does not depend on the length of the video.
 *
 * @throws OfgenError `video_missing` if the source yields no frame; whatever the source, the model and the store throw.
 */
export async function* animate(options: AnimateOptions): AsyncGenerator<RenderEvent, AnimateResult, undefined> {
  const { source, model, settings, schedule, controls = [] } = options
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  const began = performance.now()
  const { evaluations, engineSeconds } = model.counters
  const painter = await createPainter(model, settings, signal)
  const outbox = createOutbox()
  const analysis = startAnalysis(signal)
  const run: AnimateRun = {
    ...options,
    signal,
    abandon: () => stop.abort(),
    painter,
    analysis,
    outbox,
    writer: createFrameWriter(options.store, outbox),
    weights: schedule?.weights ?? (settings.method === 'reference' ? referenceSchedule : flowSchedule),
    controlsOf: createControls(controls, analysis, options.onDebug),
    identity: [
      model.hash,
      { ...settings, prompt: '', negative: '' },
      options.flow.id,
      schedule?.id ?? null,
      ...(controls.length === 0 ? [] : [controlIdentity(controls)]),
    ],
    frames: [],
    cuts: [],
    keyframes: [],
  }
  const needsMotion = settings.method !== 'none' || settings.noise === 'carried' || options.onFootage !== undefined
  const frames = readFootage(source, { flow: needsMotion ? options.flow : undefined, analysis, signal })
  const footage = withGivenMaps(frames, controls, signal)
  const heard = options.onFootage === undefined ? footage : telling(footage, options.onFootage)
  const work = settings.method === 'flow' ? byKeyframes(run, heard) : frameByFrame(run, heard)
  const all = work.then(() => run.writer.flush())
  try {
    yield* meanwhile(outbox, all)
  } finally {
    stop.abort()
    await all.catch(() => undefined)
    await run.writer.flush().catch(() => undefined)
    await analysis.close()
  }
  if (run.frames.length === 0)
    throw new OfgenError('video_missing', `${source.info.path} has no frames in the part that was asked for.`, {
      hint: 'Check --range, or play the file in a video player.',
    })
  return {
    frames: run.frames,
    cuts: run.cuts,
    keyframes: run.keyframes,
    evaluations: model.counters.evaluations - evaluations,
    seconds: (performance.now() - began) / 1000,
    engineSeconds: model.counters.engineSeconds - engineSeconds,
  }
}

async function* telling(
  footage: AsyncIterable<FootageFrame>,
  hear: (item: FootageFrame) => Promise<void>,
): AsyncGenerator<FootageFrame, void, undefined> {
  for await (const item of footage) {
    await hear(item)
    yield item
  }
}
