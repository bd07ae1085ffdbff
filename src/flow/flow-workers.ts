import { Worker } from 'node:worker_threads'
import { OfgenError } from '../errors.ts'
import type { Frame } from '../image/frame.ts'
import { createFlowEstimator, type FlowMethod } from './flow-method.ts'
import type { FlowFailure, FlowReply, FlowRequest } from './flow-worker.ts'
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

interface Job {
  readonly from: Frame
  readonly to: Frame
  readonly resolve: (flow: Flow) => void
  readonly reject: (reason: unknown) => void
}

interface Thread {
  readonly worker: Worker
  job: Job | undefined
}

/**
 * A {@link FlowEstimator} that works on threads of its own: estimates run at the same time and beside the caller.
 *
 * An estimate that is aborted rejects at once; one that a thread has begun is computed to its end and dropped. A thread that dies rejects its
 * estimate with OfgenError `engine_failed` and is replaced. Idle threads do not keep the process alive, but hold memory until `close()`,
 * which rejects what is under way.
 *
 * @throws RangeError from `estimate` when more than `waiting` estimates wait.
 */
export function flowWorkers(options: FlowWorkersOptions = {}): FlowEstimator {
  const method = options.method ?? { name: 'dis' }
  const most = positive('workers', options.workers ?? 2)
  const waiting = positive('waiting', options.waiting ?? 64)
  const url = options.workerUrl ?? process.env['OFGEN_FLOW_WORKER'] ?? new URL('./flow-worker.js', import.meta.url)
  const { id } = createFlowEstimator(method)
  const queue: Job[] = []
  const threads = new Set<Thread>()
  let closed = false

  const start = (): Thread => {
    const thread: Thread = { worker: new Worker(url, { workerData: method }), job: undefined }
    thread.worker.on('message', (reply: FlowReply) => {
      const { job } = thread
      thread.job = undefined
      thread.worker.unref()
      if ('flow' in reply) job?.resolve(reply.flow)
      else job?.reject(restore(reply.failure))
      dispatch()
    })
    const lost = (cause?: unknown): void => {
      if (!threads.delete(thread)) return
      thread.job?.reject(new OfgenError('engine_failed', 'A flow worker thread ended unexpectedly.', { cause }))
      dispatch()
    }
    thread.worker.on('error', lost)
    thread.worker.on('messageerror', lost)
    thread.worker.on('exit', () => lost())
    threads.add(thread)
    return thread
  }

  const dispatch = (): void => {
    while (queue.length > 0) {
      const idle = [...threads].find((thread) => thread.job === undefined) ?? (threads.size < most ? start() : undefined)
      if (!idle) return
      const job = queue.shift()!
      idle.job = job
      idle.worker.ref()
      const request: FlowRequest = { from: copyOf(job.from), to: copyOf(job.to) }
      idle.worker.postMessage(request, [request.from.data.buffer as ArrayBuffer, request.to.data.buffer as ArrayBuffer])
    }
  }

  return {
    id,
    async estimate(from: Frame, to: Frame, signal?: AbortSignal): Promise<Flow> {
      signal?.throwIfAborted()
      if (closed) throw new OfgenError('engine_failed', 'These flow workers are closed.')
      if (from.width !== to.width || from.height !== to.height)
        throw new TypeError(`Flow needs frames of equal size, got ${from.width}x${from.height} and ${to.width}x${to.height}.`)
      if (queue.length >= waiting) throw new RangeError(`${waiting} flow estimates wait already: await some of them first.`)
      let job: Job | undefined
      const abort = (): void => {
        const place = queue.indexOf(job!)
        if (place >= 0) queue.splice(place, 1)
        job!.reject(signal!.reason)
      }
      try {
        return await new Promise<Flow>((resolve, reject) => {
          job = { from, to, resolve, reject }
          queue.push(job)
          signal?.addEventListener('abort', abort)
          dispatch()
        })
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    async close(): Promise<void> {
      closed = true
      const reason = new OfgenError('engine_failed', 'The flow workers were closed before this estimate was done.')
      for (const job of queue.splice(0)) job.reject(reason)
      const ending = [...threads]
      threads.clear()
      for (const thread of ending) thread.job?.reject(reason)
      await Promise.all(ending.map((thread) => thread.worker.terminate()))
    },
  }
}

/** The caller keeps its frame: this one copy is handed over to the thread. */
function copyOf({ width, height, data }: Frame): Frame {
  return { width, height, data: new Uint8Array(data) }
}

function restore({ name, message, code, hint }: FlowFailure): Error {
  if (code !== undefined) return new OfgenError(code, message, hint === undefined ? {} : { hint })
  if (name === 'TypeError') return new TypeError(message)
  if (name === 'RangeError') return new RangeError(message)
  return new OfgenError('engine_failed', message)
}

function positive(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a positive whole number, got ${value}.`)
  return value
}
