import { Worker } from 'node:worker_threads'
import { OfgenError } from './errors.ts'
import type { ThreadFailure, ThreadReply } from './thread-side.ts'

export interface ThreadsOptions {
  /** What one of them is called in error messages, for example "flow worker". */
  readonly name: string
  /** The script, which calls `answerRequests`. */
  readonly script: URL | string
  /** Handed to each thread as its `workerData`. */
  readonly data?: unknown
  /** Threads, at least 1. Each starts when it is first needed. */
  readonly most: number
  /** Most requests that may wait for a thread. */
  readonly waiting: number
}

/** Threads that work off requests, each one at a time, in the order they were asked. */
export interface Threads<Request, Reply> {
  /**
   * Sends a request, as `postMessage` does: memory that is shared is not copied. An aborted request rejects at once; one that a thread has
   * begun is worked to its end and dropped. A thread that dies rejects its request with OfgenError `engine_failed` and is replaced.
   *
   * @throws RangeError when more than `waiting` requests wait. @throws what the thread threw, with its class, code and hint.
   */
  ask(request: Request, signal?: AbortSignal): Promise<Reply>
  /** Ends the threads and rejects what is under way. Idle threads do not keep the process alive, but hold memory until then. */
  close(): Promise<void>
}

interface Job<Request, Reply> {
  readonly request: Request
  readonly resolve: (reply: Reply) => void
  readonly reject: (reason: unknown) => void
}

interface Thread<Request, Reply> {
  readonly worker: Worker
  job: Job<Request, Reply> | undefined
}

/** @throws RangeError if `most` or `waiting` is not a positive whole number. */
export function startThreads<Request, Reply>(options: ThreadsOptions): Threads<Request, Reply> {
  const { name, script, data } = options
  const most = positive('workers', options.most)
  const waiting = positive('waiting', options.waiting)
  const queue: Job<Request, Reply>[] = []
  const threads = new Set<Thread<Request, Reply>>()
  let closed = false

  const start = (): Thread<Request, Reply> => {
    const thread: Thread<Request, Reply> = { worker: new Worker(script, { workerData: data }), job: undefined }
    thread.worker.on('message', (reply: ThreadReply<Reply>) => {
      const { job } = thread
      thread.job = undefined
      thread.worker.unref()
      if ('value' in reply) job?.resolve(reply.value)
      else job?.reject(restore(reply.failure))
      dispatch()
    })
    const lost = (cause?: unknown): void => {
      if (!threads.delete(thread)) return
      thread.job?.reject(new OfgenError('engine_failed', `A ${name} thread ended unexpectedly.`, { cause }))
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
      idle.worker.postMessage(job.request)
    }
  }

  return {
    async ask(request, signal) {
      signal?.throwIfAborted()
      if (closed) throw new OfgenError('engine_failed', `The ${name} threads are closed.`)
      if (queue.length >= waiting) throw new RangeError(`${waiting} requests to ${name} threads wait already: await some first.`)
      let job: Job<Request, Reply> | undefined
      const abort = (): void => {
        const place = queue.indexOf(job!)
        if (place >= 0) queue.splice(place, 1)
        job!.reject(signal!.reason)
      }
      try {
        return await new Promise<Reply>((resolve, reject) => {
          job = { request, resolve, reject }
          queue.push(job)
          signal?.addEventListener('abort', abort)
          dispatch()
        })
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
    async close() {
      closed = true
      const reason = new OfgenError('engine_failed', `The ${name} threads were closed before this request was done.`)
      for (const job of queue.splice(0)) job.reject(reason)
      const ending = [...threads]
      threads.clear()
      for (const thread of ending) thread.job?.reject(reason)
      await Promise.all(ending.map((thread) => thread.worker.terminate()))
    },
  }
}

function restore({ name, message, code, hint }: ThreadFailure): Error {
  if (code !== undefined) return new OfgenError(code, message, hint === undefined ? {} : { hint })
  if (name === 'TypeError') return new TypeError(message)
  if (name === 'RangeError') return new RangeError(message)
  return new OfgenError('engine_failed', message)
}

function positive(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a positive whole number, got ${value}.`)
  return value
}
