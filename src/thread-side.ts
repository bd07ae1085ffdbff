import { parentPort } from 'node:worker_threads'
import { OfgenError, type ErrorCode } from './errors.ts'

// The side of a thread that `threads.ts` starts.

export type ThreadReply<Reply> = { readonly value: Reply } | { readonly failure: ThreadFailure }

/** An error as data: classes do not survive the way between threads. */
export interface ThreadFailure {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly hint?: string
}

/** Answers each request with what `answer` makes of it; results go into shared memory, so that no thread copies them again. */
export function answerRequests(answer: (request: unknown) => unknown): void {
  const port = parentPort
  if (port === null) return
  const reply = async (request: unknown): Promise<void> => {
    try {
      port.postMessage({ value: inSharedMemory(await answer(request)) } satisfies ThreadReply<unknown>)
    } catch (error) {
      port.postMessage({ failure: describe(error) } satisfies ThreadReply<unknown>)
    }
  }
  port.on('message', (request: unknown) => void reply(request))
}

function describe(error: unknown): ThreadFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  if (!(error instanceof OfgenError)) return { name, message }
  return { name, message, code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) }
}

/** The same value with every array of bytes or floats in it in memory that threads share; what lies there already is not copied. */
export function inSharedMemory<T>(value: T): T {
  if (value instanceof Float32Array || value instanceof Uint8Array) {
    if (value.buffer instanceof SharedArrayBuffer) return value
    const memory = new SharedArrayBuffer(value.byteLength)
    const shared = value instanceof Float32Array ? new Float32Array(memory) : new Uint8Array(memory)
    shared.set(value)
    return shared as T
  }
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inSharedMemory) as T
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, inSharedMemory(part)])) as T
}
