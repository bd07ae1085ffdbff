import type { Frame, Plane } from '../image/frame.ts'
import { composeFlows } from './compose.ts'
import type { Flow } from './flow.ts'
import { wayTrust } from './reliability.ts'

/** The way from a frame to another one some frames away, and from there home. */
export interface Way {
  /** From the frame to the far one; lies on the frame. */
  readonly flow: Flow
  /** From the far one to the frame; lies on the far one. */
  readonly home: Flow
  /** How far `flow` is to be believed, 0..1; lies on the frame. */
  readonly trust: Plane
}

/** The flow from a frame to its neighbour, and back. */
export interface Step {
  readonly flow: Flow
  readonly home: Flow
}

/**
 * The way of a frame, from the step to its neighbour and the neighbour's own way; without that, the neighbour is the far frame itself.
 * Each way is composed of true flows between neighbours, so its error grows with the number of steps, not with every resampling of pictures.
 *
 * @throws TypeError if the sizes differ.
 */
export function extendWay(frame: Frame, far: Frame, step: Step, neighbour: Way | undefined): Way {
  const flow = neighbour === undefined ? step.flow : composeFlows(step.flow, neighbour.flow)
  const home = neighbour === undefined ? step.home : composeFlows(neighbour.home, step.home)
  return { flow, home, trust: wayTrust(frame, far, flow, home) }
}

/**
 * A way in the other direction.
 *
 * @param frame Where `way` begins. @param far Where it leads, and where the turned one begins.
 */
export function turnedWay(frame: Frame, far: Frame, { flow, home }: Pick<Way, 'flow' | 'home'>): Way {
  return { flow: home, home: flow, trust: wayTrust(far, frame, home, flow) }
}
