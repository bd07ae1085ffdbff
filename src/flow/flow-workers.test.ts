import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setEnvironmentData } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import '../../test/flow-worker.ts'
import { movingTexture } from '../../test/moving-texture.ts'
import { isAbort, OfgenError } from '../errors.ts'
import type { Frame } from '../image/frame.ts'
import { disEstimator } from './dis.ts'
import { farnebackEstimator } from './farneback.ts'
import { itEstimatesFlow } from './flow-estimator.contract.ts'
import { flowWorkers, type FlowWorkersOptions } from './flow-workers.ts'
import type { FlowEstimator } from './flow.ts'

const open: FlowEstimator[] = []
const folder = mkdtempSync(join(tmpdir(), 'ofgen-flow-'))
afterEach(async () => {
  for (const estimator of open.splice(0)) await estimator.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

function workers(options?: FlowWorkersOptions): FlowEstimator {
  const estimator = flowWorkers(options)
  open.push(estimator)
  return estimator
}

/** Workers whose script has `answer(number)`: what it returns is posted back for the frame of that number; undefined is no answer. */
function scripted(answer: string, options: FlowWorkersOptions = {}): FlowEstimator {
  const file = join(folder, `${open.length}-${Math.random()}.mjs`)
  writeFileSync(
    file,
    `import { getEnvironmentData, parentPort } from 'node:worker_threads'
     const gate = new Int32Array(getEnvironmentData('gate'))
     const flow = (width) => ({ flow: { width, height: 1, data: new Float32Array(2) } })
     parentPort.on('message', async ({ from }) => {
       const reply = await (${answer})(from.data[0])
       if (reply) parentPort.postMessage(reply)
     })`,
  )
  return workers({ ...options, workerUrl: pathToFileURL(file) })
}
const numbered = (n: number): Frame => ({ width: 1, height: 1, data: Uint8Array.of(n, n, n) })
const ask = async (pool: FlowEstimator, n: number, signal?: AbortSignal): Promise<number> =>
  (await pool.estimate(numbered(n), numbered(n), signal)).width
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

describe('DIS in threads', () => {
  itEstimatesFlow(() => flowWorkers(), { still: 0, translation: 0.05, affine: 0.05 })
})

describe('flow workers', () => {
  const { from, to } = movingTexture(96, 64, () => [2, 1])

  it('give what the estimator gives on the calling thread, and have its id', async () => {
    const here = disEstimator('fast')
    const there = workers({ method: { name: 'dis', settings: 'fast' } })
    expect(there.id).toBe(here.id)
    expect((await there.estimate(from, to)).data).toEqual((await here.estimate(from, to)).data)
  })

  it('run Farneback too', async () => {
    const there = workers({ method: { name: 'farneback', settings: { levels: 3 } }, workers: 1 })
    const here = farnebackEstimator({ levels: 3 })
    expect(there.id).toBe(here.id)
    expect((await there.estimate(from, to)).data).toEqual((await here.estimate(from, to)).data)
  })

  it('run two estimates at the same time by default', async () => {
    newGate()
    const pool = scripted(`() => { Atomics.add(gate, 0, 1); Atomics.notify(gate, 0); ${untilGate(2)} return flow(gate[0]) }`)
    expect(await Promise.all([ask(pool, 1), ask(pool, 2)])).toEqual([2, 2])
  })

  it('give each estimate its own answer when there are more than threads', async () => {
    const pool = scripted('async (n) => (await new Promise((done) => setTimeout(done, 5 - n)), flow(n))')
    expect(await Promise.all([1, 2, 3, 4, 5].map((n) => ask(pool, n)))).toEqual([1, 2, 3, 4, 5])
  })

  it('refuse more waiting estimates than agreed', async () => {
    const pool = scripted('() => undefined', { workers: 1, waiting: 1 })
    const pending = [failure(ask(pool, 1)), failure(ask(pool, 2))]
    await expect(ask(pool, 3)).rejects.toThrow(RangeError)
    await pool.close()
    expect(await Promise.all(pending)).toEqual([expect.any(OfgenError), expect.any(OfgenError)])
  })

  it('drop a waiting estimate that is aborted before a thread gets it', async () => {
    const gate = newGate()
    const pool = scripted(`(n) => { ${untilGate(1)} globalThis.seen = (globalThis.seen ?? 0) + 1; return flow(10 * n + seen) }`, {
      workers: 1,
    })
    const abort = new AbortController()
    const first = ask(pool, 1)
    const dropped = failure(ask(pool, 2, abort.signal))
    const third = ask(pool, 3)
    abort.abort()
    expect(isAbort(await dropped)).toBe(true)
    Atomics.store(gate, 0, 1)
    expect(await Promise.all([first, third])).toEqual([11, 32])
  })

  it('reject a running estimate at once when it is aborted, and go on with the next', async () => {
    const gate = newGate()
    const pool = scripted(`(n) => { ${untilGate(1)} return flow(10 * n) }`, { workers: 1 })
    const abort = new AbortController()
    const running = failure(ask(pool, 1, abort.signal))
    const next = ask(pool, 2)
    abort.abort()
    expect(isAbort(await running)).toBe(true)
    Atomics.store(gate, 0, 1)
    expect(await next).toBe(20)
  })

  it('reject, and do not hang, when the script of the thread is missing', async () => {
    const pool = workers({ workerUrl: pathToFileURL(join(folder, 'nowhere.mjs')), workers: 1 })
    const all = await Promise.all([1, 2, 3].map((n) => failure(ask(pool, n))))
    expect(all.map((error) => (error as OfgenError).code)).toEqual(['engine_failed', 'engine_failed', 'engine_failed'])
  })

  it('replace a thread that died', async () => {
    const pool = scripted('(n) => n === 1 ? process.exit(3) : flow(n)', { workers: 1 })
    const [died, lived] = await Promise.all([failure(ask(pool, 1)), ask(pool, 2)])
    expect(died).toMatchObject({ code: 'engine_failed' })
    expect(lived).toBe(2)
  })

  it('bring errors over with their class, code and hint', async () => {
    const pool = scripted(`(n) => ({ failure: n === 1 ? { name: 'TypeError', message: 'a' } : n === 2
      ? { name: 'OfgenError', message: 'b', code: 'option_invalid', hint: 'c' } : { name: 'Error', message: 'd' } })`)
    const [type, coded, other] = await Promise.all([1, 2, 3].map((n) => failure(ask(pool, n))))
    expect(type).toEqual(new TypeError('a'))
    expect(coded).toMatchObject({ name: 'OfgenError', message: 'b', code: 'option_invalid', hint: 'c' })
    expect(other).toMatchObject({ name: 'OfgenError', message: 'd', code: 'engine_failed' })
  })

  it('reject what is under way when they are closed, and everything after', async () => {
    const pool = scripted('() => undefined', { workers: 1 })
    const pending = [failure(ask(pool, 1)), failure(ask(pool, 2))]
    await pool.close()
    for (const error of await Promise.all(pending)) expect(error).toMatchObject({ code: 'engine_failed' })
    await expect(ask(pool, 3)).rejects.toThrow(/closed/)
    await pool.close()
  })

  it('refuse numbers of threads that are none', () => {
    expect(() => flowWorkers({ workers: 0 })).toThrow(RangeError)
    expect(() => flowWorkers({ waiting: 1.5 })).toThrow(RangeError)
  })
})
