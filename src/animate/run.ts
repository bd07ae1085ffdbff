import type { Latent } from '../diffusion/denoiser.ts'
import type { Motion } from '../flow/motion.ts'
import type { GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import { toFrame, type FloatImage, type Frame } from '../image/frame.ts'
import type { Analysis } from './analysis.ts'
import type { AnimateOptions } from './animate.ts'
import type { FrameRecord } from './events.ts'
import { mean, type FootageFrame } from './footage.ts'
import type { ControlsOf } from './frame-controls.ts'
import { createFrameNoise } from './frame-noise.ts'
import type { FramePrompt } from './frame-prompt.ts'
import type { FrameWriter } from './frame-writer.ts'
import type { Outbox } from './outbox.ts'
import type { Painter, PaintWatch } from './painter.ts'

/** What every method of animating works with. */
export interface AnimateRun extends AnimateOptions {
  readonly painter: Painter
  readonly analysis: Analysis
  readonly outbox: Outbox
  readonly writer: FrameWriter
  readonly weights: GuidanceSchedule
  /** What the model's ControlNets see of a frame. */
  readonly controlsOf: ControlsOf
  /** Everything but the prompts that shapes all frames alike, for content keys. */
  readonly identity: readonly unknown[]
  /** Frames done so far, the first frames of shots but the first, and keyframes; methods add to them. */
  readonly frames: { readonly frame: number; readonly time: number }[]
  readonly cuts: number[]
  readonly keyframes: number[]
  /** Ends all painting that is under way, after a failure. */
  readonly abandon: () => void
}

/** The prompt and the negative prompt of a frame. */
export function promptOf({ prompts, settings }: AnimateRun, { frame, shot }: FootageFrame): FramePrompt {
  const { prompt, negative } = prompts?.promptOf({ frame: frame.index, time: frame.time, shot }) ?? settings
  return { prompt, negative }
}

/** All the noise of one frame. */
export interface PaintNoise {
  readonly start: Latent
  readonly step: (step: number, draw: number) => Latent
  readonly key: string
}

/** Steps that a run can have: noises of one step lie so many streams apart. */
const mostSteps = 1000

/** The noise of every frame, asked for once each and in order: what it starts from, and what the sampler draws. */
export function createPaintNoise({ painter, settings }: AnimateRun): (item: FootageFrame) => PaintNoise {
  const steps = painter.run.sigmas.length - 1
  const noiseOf = (stream: number): ReturnType<typeof createFrameNoise> =>
    createFrameNoise(settings.noise, painter.shape, settings.seed, stream)
  const starting = noiseOf(0)
  const drawn = Array.from({ length: painter.draws }, (_, draw) =>
    Array.from({ length: steps }, (_unused, step) => noiseOf(1 + step + mostSteps * draw)),
  )
  return (item) => {
    const { noise, key } = starting(item)
    const later = drawn.map((steps) => steps.map((one) => one(item).noise))
    return { start: noise, step: (step, draw) => later[draw]![step]!, key }
  }
}

/** Notes the shot that a frame begins, if it begins one. */
export function beginShot(run: AnimateRun, { frame, shot }: FootageFrame): void {
  if (shot <= run.cuts.length) return
  run.cuts.push(frame.index)
  run.outbox.put({ type: 'shot', shot, frame: frame.index, time: frame.time })
}

/**
 * The frame under a key: kept if the store has it, else painted, stored and reported. It is stored while the next one is painted.
 *
 * @param paint Makes the picture, watched.
 * @returns The frame as it is stored, in 8 bits, so that resumed renders go on from the same.
 */
export async function keepOrPaint(
  run: AnimateRun,
  item: FootageFrame,
  key: string,
  paint: (watch: PaintWatch) => Promise<{ readonly image: FloatImage; readonly painted: number }>,
): Promise<Frame> {
  const { store, settings, painter, outbox } = run
  const { index, time } = item.frame
  run.signal?.throwIfAborted()
  const kept = await store.find(index, key)
  run.frames.push({ frame: index, time })
  if (kept !== undefined) {
    outbox.put({ type: 'frame', frame: index, time, kept: true, seconds: 0, evaluations: 0 })
    return kept
  }
  const began = performance.now()
  const steps = painter.run.sigmas.length - 1
  let evaluations = 0
  const { image, painted } = await paint({
    onStep: (step) => outbox.put({ type: 'step', frame: index, step, steps }),
    onEvaluations: (count) => (evaluations += count),
  })
  const frame = toFrame(image)
  const record: FrameRecord = {
    frame: index,
    time,
    key,
    shot: item.shot,
    ...(run.prompts === undefined ? { prompt: settings.prompt } : promptOf(run, item)),
    seed: settings.seed,
    ...motionRecord(item.motion, item.trusted),
    evaluations,
    painted: round(painted),
    seconds: round((performance.now() - began) / 1000),
  }
  await run.writer.put(record, frame)
  return frame
}

function motionRecord(motion: Motion | undefined, trusted: number): Pick<FrameRecord, 'motion'> {
  return motion === undefined ? {} : { motion: { pixels: round(mean(motion.distance.data)), trusted: round(trusted) } }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
