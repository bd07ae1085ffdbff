import type { Frame } from '../image/frame.ts'
import type { Flow, FlowEstimator } from './flow.ts'

/** An estimator that says of any two frames that all moved by (u, v) pixels. For trying what comes after the flow. */
export function constantFlow(u: number, v: number): FlowEstimator {
  return {
    id: `constant ${u} ${v}`,
    async estimate(from: Frame, to: Frame, signal?: AbortSignal): Promise<Flow> {
      signal?.throwIfAborted()
      if (from.width !== to.width || from.height !== to.height)
        throw new TypeError(`Flow needs frames of equal size, got ${from.width}x${from.height} and ${to.width}x${to.height}.`)
      return uniformFlow(from.width, from.height, u, v)
    },
    close: () => Promise.resolve(),
  }
}

/** The same vector everywhere. */
export function uniformFlow(width: number, height: number, u: number, v: number): Flow {
  const data = new Float32Array(width * height * 2)
  for (let q = 0; q < data.length; q += 2) {
    data[q] = u
    data[q + 1] = v
  }
  return { width, height, data }
}
