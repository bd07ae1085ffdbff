import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setEnvironmentData } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { isAbort, OfgenError } from './errors.ts'
import { startThreads, type Threads, type ThreadsOptions } from './threads.ts'

type Numbers = Threads<number, number>
const open: Numbers[] = []
const folder = mkdtempSync(join(tmpdir(), 'ofgen-threads-'))
afterEach(async () => {
  for (const threads of open.splice(0)) await threads.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

function threads(options: Partial<ThreadsOptions> & Pick<ThreadsOptions, 'script'>): Numbers {
  const one = startThreads<number, number>({ name: 'test', most: 2, waiting: 64, ...options })
  open.push(one)
  return one
}

/** Threads whose script has `answer(number)`: a number is posted back as the answer, an object as it is, undefined not at all. */
function scripted(answer: string, options: Partial<ThreadsOptions> = {}): Numbers {
  const file = join(folder, `${open.length}-${Math.random()}.mjs`)
  writeFileSync(
    file,
    `import { getEnvironmentData, parentPort } from 'node:worker_threads'
     const gate = new Int32Array(getEnvironmentData('gate'))
     parentPort.on('message', async (n) => {
       const reply = await (${answer})(n)
       if (reply !== undefined) parentPort.postMessage(typeof reply === 'number' ? { value: reply } : reply)
     })`,
  )
  return threads({ ...options, script: pathToFileURL(file) })
}
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  )

/** Shared with the scripts: they may wait for it. */
function newGate(): Int32Array {
  const memory = new SharedArrayBuffer(4)
  setEnvironmentData('gate', memory)
  return new Int32Array(memory)
}
newGate()
/** Script: waits until the gate is set to at least `n`, 10 s at most. */
const untilGate = (n: number): string => `for (let t = 0; gate[0] < ${n} && t < 1000; t++) Atomics.wait(gate, 0, gate[0], 10);`

describe('threads', () => {
  it('work on two requests at the same time', async () => {
    newGate()
    const pool = scripted(`() => { Atomics.add(gate, 0, 1); Atomics.notify(gate, 0); ${untilGate(2)} return gate[0] }`)
    expect(await Promise.all([pool.ask(1), pool.ask(2)])).toEqual([2, 2])
  })

  it('give each request its own answer when there are more than threads', async () => {
    const pool = scripted('async (n) => (await new Promise((done) => setTimeout(done, 5 - n)), n)')
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => pool.ask(n)))).toEqual([1, 2, 3, 4, 5])
  })

  it('refuse more waiting requests than agreed', async () => {
    const pool = scripted('() => undefined', { most: 1, waiting: 1 })
    const pending = [failure(pool.ask(1)), failure(pool.ask(2))]
    await expect(pool.ask(3)).rejects.toThrow(RangeError)
    await pool.close()
    expect(await Promise.all(pending)).toEqual([expect.any(OfgenError), expect.any(OfgenError)])
  })

  it('drop a waiting request that is aborted before a thread gets it', async () => {
    const gate = newGate()
    const pool = scripted(`(n) => { ${untilGate(1)} globalThis.seen = (globalThis.seen ?? 0) + 1; return 10 * n + seen }`, {
      most: 1,
    })
    const abort = new AbortController()
    const first = pool.ask(1)
    const dropped = failure(pool.ask(2, abort.signal))
    const third = pool.ask(3)
    abort.abort()
    expect(isAbort(await dropped)).toBe(true)
    Atomics.store(gate, 0, 1)
    expect(await Promise.all([first, third])).toEqual([11, 32])
  })

  it('reject a running request at once when it is aborted, and go on with the next', async () => {
    const gate = newGate()
    const pool = scripted(`(n) => { ${untilGate(1)} return 10 * n }`, { most: 1 })
    const abort = new AbortController()
    const running = failure(pool.ask(1, abort.signal))
    const next = pool.ask(2)
    abort.abort()
    expect(isAbort(await running)).toBe(true)
    Atomics.store(gate, 0, 1)
    expect(await next).toBe(20)
  })

  it('reject, and do not hang, when the script of the thread is missing', async () => {
    const pool = threads({ script: pathToFileURL(join(folder, 'nowhere.mjs')), most: 1 })
    const all = await Promise.all([1, 2, 3].map((n) => failure(pool.ask(n))))
    expect(all.map((error) => (error as OfgenError).code)).toEqual(['engine_failed', 'engine_failed', 'engine_failed'])
  })

  it('replace a thread that died', async () => {
    const pool = scripted('(n) => n === 1 ? process.exit(3) : n', { most: 1 })
    const [died, lived] = await Promise.all([failure(pool.ask(1)), pool.ask(2)])
    expect(died).toMatchObject({ code: 'engine_failed' })
    expect(lived).toBe(2)
  })

  it('bring errors over with their class, code and hint', async () => {
    const pool = scripted(`(n) => ({ failure: n === 1 ? { name: 'TypeError', message: 'a' } : n === 2
      ? { name: 'OfgenError', message: 'b', code: 'option_invalid', hint: 'c' } : { name: 'Error', message: 'd' } })`)
    const [type, coded, other] = await Promise.all([1, 2, 3].map((n) => failure(pool.ask(n))))
    expect(type).toEqual(new TypeError('a'))
    expect(coded).toMatchObject({ name: 'OfgenError', message: 'b', code: 'option_invalid', hint: 'c' })
    expect(other).toMatchObject({ name: 'OfgenError', message: 'd', code: 'engine_failed' })
  })

  it('reject what is under way when they are closed, and everything after', async () => {
    const pool = scripted('() => undefined', { most: 1 })
    const pending = [failure(pool.ask(1)), failure(pool.ask(2))]
    await pool.close()
    for (const error of await Promise.all(pending)) expect(error).toMatchObject({ code: 'engine_failed' })
    await expect(pool.ask(3)).rejects.toThrow(/closed/)
    await pool.close()
  })

  it('refuse numbers of threads that are none', () => {
    expect(() => threads({ script: 'none', most: 0 })).toThrow(RangeError)
    expect(() => threads({ script: 'none', waiting: 1.5 })).toThrow(RangeError)
  })
})
