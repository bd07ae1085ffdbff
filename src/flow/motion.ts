import type { Frame, Plane } from '../image/frame.ts'
import type { Flow, FlowEstimator } from './flow.ts'
import { motionBoundary, occlusion, photometricTrust, softReliability, thresholdScale } from './reliability.ts'

/** How the current frame came out of the previous one, all on the grid of the frames, `height * width`. */
export interface Motion {
  /** Current -> previous: where each pixel of the current frame came from. Lies on the current frame; what warps use. */
  readonly backward: Flow
  /** Previous -> current, on the previous frame. */
  readonly forward: Flow
  /** Length of `backward` in pixels. */
  readonly distance: Plane
  /** How far `backward` is to be believed, 0..1: consistent both ways, away from motion boundaries, and the sources look alike. */
  readonly trust: Plane
  /** 1 where the current frame shows what the previous one does not, else 0. */
  readonly occluded: Uint8Array
}

/**
 * Estimates the flow both ways, at the same time where the estimator can, and what follows from it.
 *
 * @throws TypeError if the sizes differ.
 */
export async function estimateMotion(
  estimator: FlowEstimator,
  previous: Frame,
  current: Frame,
  signal?: AbortSignal,
): Promise<Motion> {
  const [backward, forward] = await Promise.all([
    estimator.estimate(current, previous, signal),
    estimator.estimate(previous, current, signal),
  ])
  return motionFromFlows(previous, current, backward, forward)
}

/** {@link Motion} from flows that are known already, for example imported ones. @throws TypeError if the sizes differ. */
export function motionFromFlows(previous: Frame, current: Frame, backward: Flow, forward: Flow): Motion {
  const { width, height } = current
  for (const other of [previous, backward, forward])
    if (other.width !== width || other.height !== height)
      throw new TypeError(`Frames and flows must be of one size, got ${width}x${height} and ${other.width}x${other.height}.`)
  const scale = thresholdScale(width, height)
  const occluded = occlusion(backward, forward, scale)
  const trust = softReliability(occluded, motionBoundary(backward, scale), width, height)
  const photometric = photometricTrust(previous, current, backward)
  for (let i = 0; i < trust.data.length; i++) trust.data[i] = trust.data[i]! * photometric.data[i]!
  return { backward, forward, distance: flowLength(backward), trust, occluded }
}

/** Length of each vector in pixels. */
export function flowLength(flow: Flow): Plane {
  const data = new Float32Array(flow.width * flow.height)
  for (let i = 0; i < data.length; i++) data[i] = Math.hypot(flow.data[2 * i]!, flow.data[2 * i + 1]!)
  return { width: flow.width, height: flow.height, data }
}
