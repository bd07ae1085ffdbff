import type { FlowEstimator } from '../flow/flow.ts'
import type { Frame } from '../image/frame.ts'
import type { Motion } from '../flow/motion.ts'
import { isCut } from '../shots/cut.ts'
import { inSharedMemory } from '../thread-side.ts'
import type { FrameSource, TimedFrame } from '../video/frame-source.ts'
import type { Analysis } from './analysis.ts'
import { frameHash } from './content-key.ts'
import { lookAhead } from './look-ahead.ts'

/** A source frame with what is known of its motion. */
export interface FootageFrame {
  readonly frame: TimedFrame
  /** Hash of its pixels. */
  readonly hash: string
  /** Counts from 0; grows at cuts. */
  readonly shot: number
  /** From the frame before it; absent for the first frame of a shot. */
  readonly motion: Motion | undefined
  /** Mean of `motion.trust`, 0..1. */
  readonly trusted: number
  /** What ControlNets see of it, where that comes from elsewhere. */
  readonly maps?: readonly Frame[] | undefined
}

export interface FootageOptions {
  /** Absent: no motion is estimated and nothing is known of cuts. */
  readonly flow: FlowEstimator | undefined
  readonly analysis: Pick<Analysis, 'motionFromFlows' | 'withSoft'>
  /** Frames whose motion is estimated before they are asked for; memory is this many frames and motions. */
  readonly ahead?: number
  readonly signal?: AbortSignal | undefined
}

/** Reads a source frame by frame, with motion estimated ahead of whoever uses it. Memory does not depend on the length. */
export async function* readFootage(
  source: FrameSource,
  { flow, analysis, ahead = 3, signal }: FootageOptions,
): AsyncGenerator<FootageFrame, void, undefined> {
  let shot = 0
  // In memory that threads share.
  const prepare = async (frame: Frame): Promise<Frame> => {
    const shared = inSharedMemory(frame)
    return flow === undefined ? shared : analysis.withSoft(shared)
  }
  const analyse = async ([before, frame]: readonly [TimedFrame | undefined, TimedFrame]): Promise<Omit<FootageFrame, 'shot'>> => {
    const hash = frameHash(frame.image)
    if (before === undefined || flow === undefined) return { frame, hash, motion: undefined, trusted: 0 }
    const [backward, forward] = await Promise.all([
      flow.estimate(frame.image, before.image, signal),
      flow.estimate(before.image, frame.image, signal),
    ])
    const motion = await analysis.motionFromFlows(before.image, frame.image, backward, forward)
    const trusted = mean(motion.trust.data)
    return { frame, hash, motion: isCut(before.image, frame.image, trusted) ? undefined : motion, trusted }
  }
  for await (const item of lookAhead(pairs(source.frames(signal === undefined ? {} : { signal }), prepare), ahead, analyse)) {
    if (flow !== undefined && item.motion === undefined && item.frame.index > 0) shot++
    yield { ...item, shot }
  }
}

/** Every frame, prepared, with the one before it. */
async function* pairs(
  frames: AsyncIterable<TimedFrame>,
  prepare: (frame: Frame) => Promise<Frame>,
): AsyncGenerator<readonly [TimedFrame | undefined, TimedFrame], void, undefined> {
  let before: TimedFrame | undefined
  for await (const one of frames) {
    const frame = { ...one, image: await prepare(one.image) }
    yield [before, frame]
    before = frame
  }
}

/** Arithmetic mean; 0 of nothing. */
export function mean(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return values.length === 0 ? 0 : sum / values.length
}
