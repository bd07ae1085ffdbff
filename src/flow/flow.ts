import type { Frame } from '../image/frame.ts'

/** Optical flow from one frame to another: `[height * width * 2]`, (dx, dy) in pixels, row-major, on the grid of the `from` frame. */
export interface Flow {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** Estimates the motion between two frames of equal size. Every implementation passes `flow-estimator.contract.ts`. */
export interface FlowEstimator {
  /** Part of content keys: name and settings, for example `dis medium`. */
  readonly id: string
  /** Flow from -> to. @throws TypeError if the sizes differ. */
  estimate(from: Frame, to: Frame, signal?: AbortSignal): Promise<Flow>
  close(): Promise<void>
}
