import { setImmediate } from 'node:timers/promises'
import { composeFlows, type Track } from '../flow/compose.ts'
import type { Flow } from '../flow/flow.ts'
import { wayTrust } from '../flow/reliability.ts'
import type { Frame } from '../image/frame.ts'
import { mean, type FootageFrame } from './footage.ts'

/** The frames after a keyframe, up to and with the next keyframe, which is the last of them. */
export interface Segment {
  readonly frames: readonly SegmentFrame[]
}

export interface SegmentFrame {
  readonly item: FootageFrame
  /** From this frame back to the keyframe before the segment; absent where a shot begins. */
  readonly toBefore: Track | undefined
  /** From this frame on to the keyframe that ends the segment; absent for that keyframe. */
  readonly toAfter: Track | undefined
}

export interface SegmentOptions {
  /** Most frames from keyframe to keyframe. */
  readonly longest: number
  /** A segment ends where the mean trust of the way back to its keyframe falls below this. */
  readonly leastTrust: number
}

interface Open {
  readonly item: FootageFrame
  /** From this frame to the keyframe before, and the other way round. */
  readonly back: Flow
  readonly there: Flow
  readonly trust: Track['trust']
}

/**
 * Cuts footage into segments between keyframes. The first frame of a shot is a segment of its own, and so is whatever a cut ends.
 * Memory: the frames of one segment with their flows.
 */
export async function* segments(
  footage: AsyncIterable<FootageFrame>,
  { longest, leastTrust }: SegmentOptions,
): AsyncGenerator<Segment, void, undefined> {
  let open: Open[] = []
  let keyframe: Frame | undefined
  for await (const item of footage) {
    const { motion } = item
    const source = item.frame.image
    if (motion === undefined || keyframe === undefined) {
      if (open.length > 0) yield await closed(open)
      open = []
      keyframe = source
      yield { frames: [{ item, toBefore: undefined, toAfter: undefined }] }
      continue
    }
    const last = open.at(-1)
    const back = last === undefined ? motion.backward : composeFlows(motion.backward, last.back)
    const there = last === undefined ? motion.forward : composeFlows(last.there, motion.forward)
    const trust = wayTrust(source, keyframe, back, there)
    open.push({ item, back, there, trust })
    if (open.length >= longest || mean(trust.data) < leastTrust) {
      yield await closed(open)
      open = []
      keyframe = source
    }
  }
  if (open.length > 0) yield await closed(open)
}

/** Adds the ways to the keyframe at the end, composed from there backwards. Lets others work between frames: the engine waits for answers. */
async function closed(open: readonly Open[]): Promise<Segment> {
  const frames: SegmentFrame[] = []
  const keyframe = open.at(-1)!.item.frame.image
  let on: Flow | undefined
  let home: Flow | undefined
  for (let n = open.length - 1; n >= 0; n--) {
    await setImmediate()
    const { item, back, trust } = open[n]!
    const source = item.frame.image
    const toAfter = on === undefined ? undefined : { flow: on, trust: wayTrust(source, keyframe, on, home!) }
    frames.unshift({ item, toBefore: { flow: back, trust }, toAfter })
    const { forward, backward } = item.motion!
    on = on === undefined ? forward : composeFlows(forward, on)
    home = home === undefined ? backward : composeFlows(home, backward)
  }
  return { frames }
}
