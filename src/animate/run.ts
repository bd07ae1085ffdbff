import type { Latent } from '../diffusion/denoiser.ts'
import type { Motion } from '../flow/motion.ts'
import type { GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import { toFrame, type FloatImage, type Frame } from '../image/frame.ts'
import type { AnimateOptions } from './animate.ts'
import type { FrameRecord, RenderEvent } from './events.ts'
import { mean, type FootageFrame } from './footage.ts'
import { createFrameNoise } from './frame-noise.ts'
import type { Painter } from './painter.ts'

/** What every method of animating works with. */
export interface AnimateRun extends AnimateOptions {
  readonly painter: Painter
  readonly weights: GuidanceSchedule
  /** Everything that shapes all frames alike, for content keys. */
  readonly identity: readonly unknown[]
  /** Frames done so far, the first frames of shots but the first, and keyframes; methods add to them. */
  readonly frames: { readonly frame: number; readonly time: number }[]
  readonly cuts: number[]
  readonly keyframes: number[]
}

/** All the noise of one frame. */
export interface PaintNoise {
  readonly start: Latent
  readonly step: (step: number) => Latent
  readonly key: string
}

/** The noise of every frame, asked for once each and in order: what it starts from, and what the sampler draws. */
export function createPaintNoise({ painter, settings }: AnimateRun): (item: FootageFrame) => PaintNoise {
  const steps = painter.drawsNoise ? painter.run.sigmas.length - 1 : 0
  const [starting, ...drawn] = Array.from({ length: 1 + steps }, (_, stream) =>
    createFrameNoise(settings.noise, painter.shape, settings.seed, stream),
  )
  return (item) => {
    const { noise, key } = starting!(item)
    const later = drawn.map((one) => one(item).noise)
    return { start: noise, step: (step) => later[step]!, key }
  }
}

/** Notes the shot that a frame begins, if it begins one. */
export function* beginShot(run: AnimateRun, { frame, shot }: FootageFrame): Generator<RenderEvent, void, undefined> {
  if (shot <= run.cuts.length) return
  run.cuts.push(frame.index)
  yield { type: 'shot', shot, frame: frame.index, time: frame.time }
}

/**
 * The frame under a key: kept if the store has it, else painted, stored and reported.
 * @param paint Makes the picture; calls `onStep` after each step of the denoising.
 * @returns The frame as it is stored, in 8 bits, so that resumed renders go on from the same.
 */
export async function* keepOrPaint(
  run: AnimateRun,
  item: FootageFrame,
  key: string,
  paint: (onStep: (step: number) => void) => Promise<{ readonly image: FloatImage; readonly painted: number }>,
): AsyncGenerator<RenderEvent, Frame, undefined> {
  const { model, store, settings, painter } = run
  const { index, time } = item.frame
  run.signal?.throwIfAborted()
  const kept = await store.find(index, key)
  run.frames.push({ frame: index, time })
  if (kept !== undefined) {
    yield { type: 'frame', frame: index, time, kept: true, seconds: 0, evaluations: 0 }
    return kept
  }
  const began = performance.now()
  const before = model.counters.evaluations
  const { image, painted } = yield* withSteps(index, painter.run.sigmas.length - 1, paint)
  const frame = toFrame(image)
  const record: FrameRecord = {
    frame: index,
    time,
    key,
    shot: item.shot,
    prompt: settings.prompt,
    seed: settings.seed,
    ...motionRecord(item.motion, item.trusted),
    evaluations: model.counters.evaluations - before,
    painted: round(painted),
    seconds: round((performance.now() - began) / 1000),
  }
  await store.put(record, frame)
  yield { type: 'frame', frame: index, time, kept: false, seconds: record.seconds, evaluations: record.evaluations }
  return frame
}

function motionRecord(motion: Motion | undefined, trusted: number): Pick<FrameRecord, 'motion'> {
  return motion === undefined ? {} : { motion: { pixels: round(mean(motion.distance.data)), trusted: round(trusted) } }
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
