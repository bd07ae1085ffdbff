import { workerData } from 'node:worker_threads'
import type { Frame } from '../image/frame.ts'
import { answerRequests } from '../thread-side.ts'
import { createFlowEstimator, type FlowMethod } from './flow-method.ts'

// The thread behind `flow-workers.ts`: one estimate at a time.

export interface FlowRequest {
  readonly from: Frame
  readonly to: Frame
}

let estimator: ReturnType<typeof createFlowEstimator> | undefined
answerRequests((request) => {
  const { from, to } = request as FlowRequest
  estimator ??= createFlowEstimator(workerData as FlowMethod)
  return estimator.estimate(from, to)
})
