import { startThreads } from '../threads.ts'
import { createFlowEstimator, type FlowMethod } from './flow-method.ts'
import type { FlowRequest } from './flow-worker.ts'
import type { Flow, FlowEstimator } from './flow.ts'

export interface FlowWorkersOptions {
  /** Default: DIS, medium. */
  readonly method?: FlowMethod
  /** Threads, at least 1; default 2, one a direction. Each starts when it is first needed. */
  readonly workers?: number
  /** Most estimates that may wait for a thread; default 64. Frames of waiting estimates are held, not copied. */
  readonly waiting?: number
  /** The compiled `flow-worker.js`; only tests and bundlers need another (or the variable OFGEN_FLOW_WORKER, a path). */
  readonly workerUrl?: URL
}

/**
 * A {@link FlowEstimator} that works on threads of its own: estimates run at the same time and beside the caller. Aborts, deaths of threads
 * and `close` are as in `Threads`. The flows lie in memory that threads share.
 *
 * @throws RangeError from `estimate` when more than `waiting` estimates wait.
 */
export function flowWorkers(options: FlowWorkersOptions = {}): FlowEstimator {
  const method = options.method ?? { name: 'dis' }
  const { id } = createFlowEstimator(method)
  const threads = startThreads<FlowRequest, Flow>({
    name: 'flow worker',
    script: options.workerUrl ?? process.env['OFGEN_FLOW_WORKER'] ?? new URL('./flow-worker.js', import.meta.url),
    data: method,
    most: options.workers ?? 2,
    waiting: options.waiting ?? 64,
  })
  return {
    id,
    async estimate(from, to, signal) {
      if (from.width !== to.width || from.height !== to.height)
        throw new TypeError(`Flow needs frames of equal size, got ${from.width}x${from.height} and ${to.width}x${to.height}.`)
      return threads.ask({ from: whole(from), to: whole(to) }, signal)
    },
    close: () => threads.close(),
  }
}

/** A view of a larger buffer would drag the whole of it along. */
function whole<T extends { readonly data: Uint8Array }>(frame: T): T {
  return frame.data.byteLength === frame.data.buffer.byteLength ? frame : { ...frame, data: frame.data.slice() }
}
