import { parentPort, workerData } from 'node:worker_threads'
import { OfgenError, type ErrorCode } from '../errors.ts'
import type { Frame } from '../image/frame.ts'
import { createFlowEstimator, type FlowMethod } from './flow-method.ts'
import type { Flow } from './flow.ts'

// The thread behind `flow-workers.ts`: one estimate at a time.

export interface FlowRequest {
  readonly from: Frame
  readonly to: Frame
}

export type FlowReply = { readonly flow: Flow } | { readonly failure: FlowFailure }

/** An error as data: classes do not survive the way between threads. */
export interface FlowFailure {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly hint?: string
}

const port = parentPort
if (port) {
  const estimator = createFlowEstimator(workerData as FlowMethod)
  const answer = async ({ from, to }: FlowRequest): Promise<void> => {
    try {
      const flow = await estimator.estimate(from, to)
      port.postMessage({ flow } satisfies FlowReply, [flow.data.buffer as ArrayBuffer])
    } catch (error) {
      port.postMessage({ failure: describe(error) } satisfies FlowReply)
    }
  }
  port.on('message', (request: FlowRequest) => void answer(request))
}

function describe(error: unknown): FlowFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  if (!(error instanceof OfgenError)) return { name, message }
  return { name, message, code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) }
}
