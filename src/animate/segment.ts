import { composeTracks, type Track } from '../flow/compose.ts'
import { motionFromFlows } from '../flow/motion.ts'
import type { FootageFrame } from './footage.ts'
import { mean } from './footage.ts'

/** A keyframe (the last of the segment before) is followed by in-between frames and the next keyframe, which is the last of `frames`. */
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

/**
 * Cuts footage into segments between keyframes. The first frame of a shot is a segment of its own, and so is whatever a cut ends.
 * Memory: the frames of one segment with their flows.
 */
export async function* segments(
  footage: AsyncIterable<FootageFrame>,
  { longest, leastTrust }: SegmentOptions,
): AsyncGenerator<Segment, void, undefined> {
  let open: { item: FootageFrame; toBefore: Track | undefined }[] = []
  for await (const item of footage) {
    if (item.motion === undefined) {
      if (open.length > 0) yield closed(open)
      open = []
      yield { frames: [{ item, toBefore: undefined, toAfter: undefined }] }
      continue
    }
    const step: Track = { flow: item.motion.backward, trust: item.motion.trust }
    const last = open.at(-1)?.toBefore
    const toBefore = last === undefined ? step : composeTracks(step, last)
    open.push({ item, toBefore })
    if (open.length >= longest || mean(toBefore.trust.data) < leastTrust) {
      yield closed(open)
      open = []
    }
  }
  if (open.length > 0) yield closed(open)
}

/** Adds the ways to the keyframe at the end, composed from there backwards. */
function closed(open: readonly { item: FootageFrame; toBefore: Track | undefined }[]): Segment {
  const frames: SegmentFrame[] = []
  let toAfter: Track | undefined
  for (let n = open.length - 1; n >= 0; n--) {
    const { item, toBefore } = open[n]!
    frames.unshift({ item, toBefore, toAfter })
    if (n === 0) break
    const before = open[n - 1]!.item
    const { forward, backward } = item.motion!
    const { trust } = motionFromFlows(item.frame.image, before.frame.image, forward, backward)
    const step: Track = { flow: forward, trust }
    toAfter = toAfter === undefined ? step : composeTracks(step, toAfter)
  }
  return { frames }
}
