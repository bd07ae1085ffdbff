import type { Latent } from '../diffusion/denoiser.ts'
import { OfgenError } from '../errors.ts'
import type { Flow, FlowEstimator } from '../flow/flow.ts'
import { flowLength, type Motion } from '../flow/motion.ts'
import { flowSchedule } from '../guidance/flow-schedule.ts'
import { referenceSchedule, scheduleMotion, type GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import { guideTowards } from '../guidance/guide.ts'
import { negatedFlow, predictFromPrevious } from '../guidance/prediction.ts'
import { scheduledWeight } from '../guidance/scheduled-weight.ts'
import { toFloatImage, type FloatImage, type Frame, type Plane } from '../image/frame.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { contentKey } from './content-key.ts'
import type { FrameRecord, RenderEvent } from './events.ts'
import { mean, readFootage, type FootageFrame } from './footage.ts'
import type { FrameStore } from './frame-store.ts'
import { createPainter, type Painter, type PaintSettings } from './painter.ts'
import { createFrameNoise } from './frame-noise.ts'

/** How a video is animated. */
export interface AnimateSettings extends PaintSettings {
  readonly seed: number
  readonly method: 'flow' | 'reference' | 'none'
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
  readonly onDebug?: DebugWriter | undefined
  readonly signal?: AbortSignal | undefined
}

/** Gets a picture of what happens inside: the source frame, the moved result, the weights of the first step on the latent grid, the flow. */
export type DebugWriter = (
  name: 'raw' | 'warped' | 'weight' | 'flow',
  frame: number,
  content: { readonly image: Frame | FloatImage } | { readonly plane: Plane } | { readonly flow: Flow },
) => Promise<void>

export interface AnimateResult {
  /** Every frame of the source, in order. */
  readonly frames: readonly { readonly frame: number; readonly time: number }[]
  /** First frames of shots but the first. */
  readonly cuts: readonly number[]
  /** Network evaluations of this run. */
  readonly evaluations: number
  /** Seconds of this run, and of those the seconds that the engine worked. */
  readonly seconds: number
  readonly engineSeconds: number
}

/**
 * Animates a video frame by frame: each frame is painted from its source, drawn to the result before it, moved along the flow.
 * Frames that the store holds under the same key are kept. Memory does not depend on the length of the video.
 */
export async function* animate(options: AnimateOptions): AsyncGenerator<RenderEvent, AnimateResult, undefined> {
  const { source, model, store, settings, schedule, signal } = options
  const began = performance.now()
  const evaluationsBefore = model.counters.evaluations
  const engineBefore = model.counters.engineSeconds

  // 1. The parts: painter, noise, weights.
  const painter = await createPainter(model, settings, signal)
  const startingNoise = createFrameNoise(settings.noise, painter.shape, settings.seed)
  const stepNoises = painter.drawsNoise
    ? painter.run.sigmas.slice(1).map((_, step) => createFrameNoise(settings.noise, painter.shape, settings.seed, step + 1))
    : []
  const weights = schedule?.weights ?? (settings.method === 'reference' ? referenceSchedule : flowSchedule)
  const identity = [model.hash, settings, options.flow.id, schedule?.id ?? null]
  const needsMotion = settings.method !== 'none' || settings.noise === 'carried'
  const frames: { frame: number; time: number }[] = []
  const cuts: number[] = []
  let previous: { readonly image: Frame; readonly key: string } | undefined

  // 2. Frame by frame, motion estimated ahead.
  for await (const item of readFootage(source, { flow: needsMotion ? options.flow : undefined, signal })) {
    signal?.throwIfAborted()
    const { frame, shot, motion } = item
    if (shot > cuts.length) {
      cuts.push(frame.index)
      yield { type: 'shot', shot, frame: frame.index, time: frame.time }
    }
    const start = startingNoise(item)
    const drawn = stepNoises.map((noise) => noise(item).noise)
    const guide = settings.method === 'none' || motion === undefined ? undefined : previous

    // 3. What exists already is kept.
    const key = contentKey(...identity, item.hash, start.key, guide?.key ?? null)
    const kept = await store.find(frame.index, key)
    if (kept !== undefined) {
      previous = { image: kept, key }
      frames.push({ frame: frame.index, time: frame.time })
      yield { type: 'frame', frame: frame.index, time: frame.time, kept: true, seconds: 0, evaluations: 0 }
      continue
    }

    // 4. Paint, in steps that are reported as they happen.
    const frameBegan = performance.now()
    const before = model.counters.evaluations
    const image = yield* withSteps(frame.index, painter.run.sigmas.length - 1, (onStep) =>
      paintFrame(options, painter, weights, { item, start: start.noise, drawn, guide: guide?.image, motion, onStep }),
    )
    const record: FrameRecord = {
      frame: frame.index,
      time: frame.time,
      key,
      shot,
      prompt: settings.prompt,
      seed: settings.seed,
      ...(motion === undefined ? {} : { motion: { pixels: round(mean(motion.distance.data)), trusted: round(item.trusted) } }),
      evaluations: model.counters.evaluations - before,
      seconds: round((performance.now() - frameBegan) / 1000),
    }

    // 5. Onto the disk at once.
    await store.put(record, image)
    previous = { image, key }
    frames.push({ frame: frame.index, time: frame.time })
    const { evaluations, seconds } = record
    yield { type: 'frame', frame: frame.index, time: frame.time, kept: false, seconds, evaluations }
  }
  if (frames.length === 0)
    throw new OfgenError('video_missing', `${source.info.path} has no frames in the part that was asked for.`, {
      hint: 'Check --range, or play the file in a video player.',
    })
  return {
    frames,
    cuts,
    evaluations: model.counters.evaluations - evaluationsBefore,
    seconds: (performance.now() - began) / 1000,
    engineSeconds: model.counters.engineSeconds - engineBefore,
  }
}

interface FrameJob {
  readonly item: FootageFrame
  readonly start: Latent
  /** What the sampler draws at each step, if it draws any. */
  readonly drawn: readonly Latent[]
  /** Result of the frame before, in the same shot. */
  readonly guide: Frame | undefined
  readonly motion: Motion | undefined
  readonly onStep: (step: number) => void
}

async function paintFrame(
  { settings, signal, onDebug }: AnimateOptions,
  painter: Painter,
  weights: GuidanceSchedule,
  { item, start, drawn, guide, motion, onStep }: FrameJob,
): Promise<Frame> {
  const { index, image } = item.frame
  const source = await painter.encode(image, signal)
  const stepNoise = (step: number): Latent => drawn[step]!
  if (guide === undefined || motion === undefined) {
    return painter.decode(await painter.paint({ source, noise: start, stepNoise, signal, onStep }), signal)
  }
  const reference = settings.method === 'reference'
  const back = reference ? negatedFlow(motion.forward) : motion.backward
  const prediction = predictFromPrevious(toFloatImage(guide), back, { sharpen: reference })
  const k0 = await painter.encode(prediction, signal)
  const judged = reference ? { distance: flowLength(motion.forward) } : motion
  const weight = scheduledWeight(weights, scheduleMotion(judged, settings.strength), painter.run, painter.shape)
  if (onDebug !== undefined) {
    await onDebug('raw', index, { image })
    await onDebug('warped', index, { image: prediction })
    await onDebug('flow', index, { flow: motion.backward })
    const w = weight(painter.run.sigmas[0]!)
    const { width, height } = painter.shape
    await onDebug('weight', index, {
      plane: { width, height, data: typeof w === 'number' ? new Float32Array(width * height).fill(w) : w },
    })
  }
  const latent = await painter.paint({
    source,
    noise: start,
    steer: (denoise) => guideTowards(k0, weight, denoise),
    signal,
    onStep,
  })
  return painter.decode(latent, signal)
}

/** Runs a piece of work and yields a step event whenever it reports one. */
async function* withSteps<T>(
  frame: number,
  steps: number,
  work: (onStep: (step: number) => void) => Promise<T>,
): AsyncGenerator<RenderEvent, T, undefined> {
  const reported: number[] = []
  let wake: () => void = () => undefined
  let done = false
  const result = work((step) => {
    reported.push(step)
    wake()
  }).finally(() => {
    done = true
    wake()
  })
  result.catch(() => undefined)
  while (!done) {
    await new Promise<void>((resolve) => {
      wake = resolve
      if (reported.length > 0 || done) resolve()
    })
    for (const step of reported.splice(0)) yield { type: 'step', frame, step, steps }
  }
  return result
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
