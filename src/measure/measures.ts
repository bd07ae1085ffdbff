import type { Drift } from './drift.ts'
import type { HoleQuality } from './holes.ts'
import type { Ratio } from './interval.ts'
import type { Region } from './region.ts'

/** The measures that are one number a video and one a frame. What they mean stands in `measure-list.ts`. */
export type MeasureName =
  | 'warpError'
  | 'warpErrorSoft'
  | 'warpErrorFast'
  | 'flicker3'
  | 'flicker5'
  | 'flickerBackground'
  | 'secondDifference'
  | 'sharpness'
  | 'fineDetail'
  | 'middleDetail'
  | 'chroma'
  | 'colorOffset'
  | 'jitter'
  | 'edgeRecall'
  | 'edgePrecision'
  | 'ssim'
  | 'styleDistance'
  | 'motionFollowing'
  | 'motionError'

/** What can drift over time. Colours are differences to the source; the others are the measures themselves. */
export type DriftName = 'L' | 'a' | 'b' | 'chroma' | 'sharpness' | 'warpError' | 'styleDistance'

/** One kind of motion, or one distance from a keyframe, with the warp error there. */
export interface WarpErrorPart {
  /** Share of the pixels (by speed) or of the pairs (by distance) that it is measured on, 0..1. */
  readonly share: number
  readonly value: number | null
  readonly ratio: Ratio | null
}

/** Everything measured of one video. Absolute values depend on clip and size; compare ratios. */
export interface VideoMeasures {
  /** As people call it: `source`, `unguided`, `result`, or the name that was given. */
  readonly name: string
  readonly values: Readonly<Record<MeasureName, number | null>>
  /** Value over the baseline's, with a 95 % interval. null without baseline, or where either could not be measured. */
  readonly ratios: Readonly<Record<MeasureName, Ratio | null>>
  /**
   * One entry a frame. A measure of a step stands at the step's second frame, flicker at the last frame of its window, the second
   * difference at the middle frame.
   */
  readonly series: Readonly<Record<MeasureName, readonly (number | null)[]>>
  /** In the order of `speedBins` of `warp-error.ts`. */
  readonly bySpeed: readonly WarpErrorPart[]
  /** In ascending order of the distance; empty where no keyframes were given. */
  readonly byKeyframeDistance: readonly (WarpErrorPart & { readonly distance: number })[]
  /** Slopes a frame. */
  readonly drift: Readonly<Record<DriftName, Drift | null>>
  /** Slopes of the difference to the baseline: what the clip's own changes put into both is gone. null without baseline. */
  readonly driftAgainstBaseline: Readonly<Record<DriftName, Drift | null>> | null
  /** null without baseline or where too little is uncovered. */
  readonly holes: HoleQuality | null
  /** The mean style distance of the first and of the last 10 frames over the baseline's. null without baseline. */
  readonly styleStrength: { readonly first: number; readonly last: number } | null
}

/** The whole set, as plain JSON. */
export interface Measures {
  readonly version: 1
  readonly width: number
  readonly height: number
  readonly frames: number
  readonly frameRate: number
  readonly region: Region
  /** What the source's motion was taken from. */
  readonly flow: string
  readonly source: VideoMeasures
  readonly result: VideoMeasures
  /** The same settings frame by frame, without guidance. */
  readonly baseline: VideoMeasures | null
  readonly others: readonly VideoMeasures[]
  /** Sentences for people about what was left out or could not be compared. */
  readonly notes: readonly string[]
}
