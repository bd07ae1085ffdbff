import { disEstimator, type DisOptions, type DisPreset } from './dis.ts'
import { farnebackEstimator, type FarnebackOptions } from './farneback.ts'
import type { FlowEstimator } from './flow.ts'

/** Which estimator and how, as plain data: can be sent to a worker thread. */
export type FlowMethod =
  | { readonly name: 'dis'; readonly settings?: DisPreset | DisOptions }
  | { readonly name: 'farneback'; readonly settings?: Partial<FarnebackOptions> }

export function createFlowEstimator(method: FlowMethod): FlowEstimator {
  return method.name === 'dis' ? disEstimator(method.settings) : farnebackEstimator(method.settings)
}
