import type { Way } from '../flow/way.ts'
import type { Frame } from '../image/frame.ts'
import type { Analysis } from './analysis.ts'
import { mean, type FootageFrame } from './footage.ts'
import type { FramePrompt } from './frame-prompt.ts'

/** The frames after a keyframe, up to and with the next keyframe, which is the last of them. */
export interface Segment {
  readonly frames: readonly SegmentFrame[]
}

export interface SegmentFrame {
  readonly item: FootageFrame
  /** From this frame back to the keyframe before the segment; absent where a shot begins. */
  readonly toBefore: Way | undefined
  /** From this frame on to the keyframe that ends the segment; absent for that keyframe. */
  readonly toAfter: Way | undefined
}

export interface SegmentOptions {
  readonly analysis: Pick<Analysis, 'extendWay'>
  /** Most frames from keyframe to keyframe. */
  readonly longest: number
  /** A segment ends where the mean trust of the way back to its keyframe falls below this. */
  readonly leastTrust: number
  /** What a frame is told; where it changes, both frames are keyframes, so that none is made from one that was told something else. */
  readonly promptOf?: ((item: FootageFrame) => FramePrompt) | undefined
}

interface Open {
  readonly item: FootageFrame
  readonly toBefore: Way
}

/**
 * Cuts footage into segments between keyframes. The first frame of a shot is a segment of its own, and so is whatever a cut ends.
 * Memory: the frames of one segment with their flows.
 */
export async function* segments(
  footage: AsyncIterable<FootageFrame>,
  { analysis, longest, leastTrust, promptOf }: SegmentOptions,
): AsyncGenerator<Segment, void, undefined> {
  let open: Open[] = []
  let keyframe: Frame | undefined
  let told: string | undefined
  for await (const item of footage) {
    const { motion } = item
    const source = item.frame.image
    const toldBefore = told
    told = promptOf && JSON.stringify(promptOf(item))
    const changed = told !== toldBefore
    if (motion === undefined || keyframe === undefined) {
      if (open.length > 0) yield await closed(open, analysis)
      open = []
      keyframe = source
      yield { frames: [{ item, toBefore: undefined, toAfter: undefined }] }
      continue
    }
    if (changed && open.length > 0) {
      yield await closed(open, analysis)
      keyframe = open.at(-1)!.item.frame.image
      open = []
    }
    const step = { flow: motion.backward, home: motion.forward }
    const toBefore = await analysis.extendWay(source, keyframe, step, open.at(-1)?.toBefore)
    open.push({ item, toBefore })
    if (changed || open.length >= longest || mean(toBefore.trust.data) < leastTrust) {
      yield await closed(open, analysis)
      open = []
      keyframe = source
    }
  }
  if (open.length > 0) yield await closed(open, analysis)
}

/** Adds the ways to the keyframe at the end, composed from there backwards. */
async function closed(open: readonly Open[], analysis: SegmentOptions['analysis']): Promise<Segment> {
  const frames: SegmentFrame[] = []
  const keyframe = open.at(-1)!.item.frame.image
  for (let n = open.length - 1; n >= 0; n--) {
    const { item, toBefore } = open[n]!
    const next = open[n + 1]?.item.motion
    const toAfter =
      next === undefined
        ? undefined
        : await analysis.extendWay(item.frame.image, keyframe, { flow: next.forward, home: next.backward }, frames[0]?.toAfter)
    frames.unshift({ item, toBefore, toAfter })
  }
  return { frames }
}
