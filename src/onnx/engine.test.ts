import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { sessionHost } from '../../test/session-host.ts'
import { isAbort, OfgenError } from '../errors.ts'
import { startEngine, type Engine, type Session } from './engine.ts'
import { Graph } from './graph.ts'
import { floatTensor, type Tensor } from './tensor.ts'

const engines: Engine[] = []
function start(...options: Parameters<typeof startEngine>): Engine {
  const engine = startEngine(...options)
  engines.push(engine)
  return engine
}
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

/** y = a x + 1, of any length. */
function affine(a: number): Uint8Array {
  const graph = new Graph('affine')
  const x = graph.input('x', 'float32', ['n'])
  graph.output('y', graph.node('Add', [graph.node('Mul', [x, graph.scalar(a)]), graph.scalar(1)]), 'float32', ['n'])
  return graph.toModel()
}

/** Keeps a core busy for many seconds: 400 products of 1200x1200 matrices. */
function slow(): Uint8Array {
  const graph = new Graph('slow')
  const x = graph.input('x', 'float32', ['n', 'n'])
  let y = x
  for (let i = 0; i < 400; i++) y = graph.node('MatMul', [y, x])
  graph.output('y', y, 'float32', ['n', 'n'])
  return graph.toModel()
}
const slowFeeds = { x: floatTensor(new Float32Array(1200 * 1200), [1200, 1200]) }

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 100 && alive(pid); i++) await sleep(50)
  expect(alive(pid)).toBe(false)
}

const three = { x: floatTensor(Float32Array.of(1, 2, 3), [3]) }

test('runs several networks in one child and reports the time inside the runtime', async () => {
  const engine = start()
  expect(engine.pid).toBeUndefined()
  const [double, triple] = await Promise.all([engine.load(affine(2)), engine.load(affine(3))])
  const results = await Promise.all([
    double.run(three),
    triple.run(three),
    double.run({ x: floatTensor(Float32Array.of(5), [1]) }),
  ])
  expect(results.map(({ outputs }) => [...(outputs['y']!.data as Float32Array)])).toEqual([[3, 5, 7], [4, 7, 10], [11]])
  expect(results[0].outputs['y']!.dims).toEqual([3])
  for (const { seconds, cpuSeconds } of [...results, double.loading]) {
    expect(seconds).toBeGreaterThan(0)
    expect(cpuSeconds).toBeGreaterThanOrEqual(0)
  }
  const { resident, peak } = await engine.memory()
  expect(resident).toBeGreaterThan(10e6)
  expect(peak).toBeGreaterThanOrEqual(resident)
})

test('passes int32 and int64 both ways', async () => {
  const engine = start()
  const graph = new Graph('whole')
  const a = graph.input('a', 'int32', ['n'])
  const b = graph.input('b', 'int64', ['n'])
  graph.output('c', graph.node('Add', [a, a]), 'int32', ['n'])
  graph.output('d', graph.node('Add', [b, b]), 'int64', ['n'])
  const session = await engine.load(graph.toModel())
  const { outputs } = await session.run({
    a: { data: Int32Array.of(-1, 7), dims: [2] },
    b: { data: BigInt64Array.of(-1n, 2n ** 40n), dims: [2] },
  })
  expect(outputs['c']!.data).toEqual(Int32Array.of(-2, 14))
  expect(outputs['d']!.data).toEqual(BigInt64Array.of(-2n, 2n ** 41n))
})

test('an abort in the middle of a run rejects at once, kills the child, and the next run starts another with its networks', async () => {
  const engine = start({ threads: 1 })
  const quick = await engine.load(affine(2))
  const long = await engine.load(slow())
  const pid = engine.pid!
  const abort = new AbortController()
  const running = long.run(slowFeeds, abort.signal)
  const behind = quick.run(three)
  await sleep(100)
  const began = performance.now()
  abort.abort()
  await expect(running).rejects.toSatisfy(isAbort)
  expect(performance.now() - began).toBeLessThan(2000)
  expect((await behind).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
  await gone(pid)
  expect(engine.pid).not.toBe(pid)
})

test('an abort while waiting for its turn leaves the run before it alone', async () => {
  const engine = start()
  const session = await engine.load(affine(2))
  const pid = engine.pid
  const abort = new AbortController()
  const first = session.run(three)
  const second = session.run(three, abort.signal)
  const third = session.run(three)
  abort.abort()
  await expect(second).rejects.toSatisfy(isAbort)
  expect((await first).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
  expect((await third).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
  expect(engine.pid).toBe(pid)
  await expect(session.run(three, abort.signal)).rejects.toSatisfy(isAbort)
})

test('a child that dies gives a clear error, and the next use starts another', async () => {
  const engine = start({ threads: 1 })
  const quick = await engine.load(affine(2))
  const long = await engine.load(slow())
  const running = long.run(slowFeeds)
  await sleep(50)
  process.kill(engine.pid!, 'SIGKILL')
  await expect(running).rejects.toMatchObject({
    code: 'engine_failed',
    message: expect.stringContaining('by signal SIGKILL') as unknown,
  })
  expect((await quick.run(three)).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
})

test('an idle child that dies is replaced without an error', async () => {
  const engine = start()
  const session = await engine.load(affine(2))
  const pid = engine.pid!
  process.kill(pid, 'SIGKILL')
  await gone(pid)
  await sleep(20)
  expect((await session.run(three)).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
})

test('Ctrl+C to the process group leaves the child to its parent', async () => {
  const engine = start()
  const session = await engine.load(affine(2))
  const pid = engine.pid!
  process.kill(pid, 'SIGINT')
  expect((await session.run(three)).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
  expect(engine.pid).toBe(pid)
})

test('a host script that is not there gives a clear error', async () => {
  const engine = start({ host: join(tmpdir(), 'no-such-host.mjs') })
  await expect(engine.load(affine(2))).rejects.toMatchObject({
    code: 'engine_failed',
    message: expect.stringContaining('Cannot find module') as unknown,
  })
})

test('what the runtime refuses is an error that names the network, and the engine goes on', async () => {
  const engine = start()
  await expect(engine.load(Uint8Array.of(1, 2, 3), { name: 'the broken one' })).rejects.toMatchObject({
    code: 'engine_failed',
    message: expect.stringContaining('could not load the broken one') as unknown,
  })
  const session = await engine.load(affine(2), { name: 'the affine one' })
  await expect(session.run({ z: three.x })).rejects.toMatchObject({
    code: 'engine_failed',
    message: expect.stringContaining('could not run the affine one') as unknown,
  })
  expect((await session.run(three)).outputs['y']!.data).toEqual(Float32Array.of(3, 5, 7))
})

test('a released session and a closed engine refuse further work', async () => {
  const engine = start()
  const session = await engine.load(affine(2))
  const other = await engine.load(affine(3))
  await session.release()
  await expect(session.run(three)).rejects.toThrow(OfgenError)
  expect((await other.run(three)).outputs['y']!.data).toEqual(Float32Array.of(4, 7, 10))
  const pid = engine.pid!
  await engine.close()
  expect(alive(pid)).toBe(false)
  await expect(other.run(three)).rejects.toMatchObject({ code: 'engine_failed' })
  await other.release()
})

test('closing during a run rejects it', async () => {
  const engine = start({ threads: 1 })
  const long = await engine.load(slow())
  const running = long.run(slowFeeds)
  const refused = expect(running).rejects.toMatchObject({ code: 'engine_failed' })
  await sleep(50)
  await engine.close()
  await refused
})

test('the child ends when its parent is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ofgen-engine-'))
  try {
    const script = join(folder, 'parent.mjs')
    writeFileSync(
      script,
      `import { fork } from 'node:child_process'
       const child = fork(${JSON.stringify(sessionHost)}, [], { serialization: 'advanced', execArgv: [] })
       child.on('message', () => process.stdout.write(String(child.pid)))
       child.send({ kind: 'memory' })`,
    )
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (text: Buffer) => resolve(Number(String(text)))),
    )
    expect(alive(pid)).toBe(true)
    parent.kill('SIGKILL')
    await gone(pid)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.each([-1, 1.5])('refuses %s threads', (threads) => {
  expect(() => startEngine({ threads })).toThrow(RangeError)
})

test('floats that come as bytes are widened', async () => {
  const session = await start().load(affine(2))
  const { outputs } = await session.run({ x: { dims: [3], data: Uint8Array.of(0, 128, 255), low: -1, step: 2 / 255 } })
  expect([...outputs['y']!.data].map(Number)).toEqual([-1, expect.closeTo(1 + 2 / 255, 5), 3])
})

/** y = a + b. */
function sum(): Uint8Array {
  const graph = new Graph('sum')
  const [a, b] = [graph.input('a', 'float32', ['n']), graph.input('b', 'float32', ['n'])]
  graph.output('y', graph.node('Add', [a, b]), 'float32', ['n'])
  return graph.toModel()
}

test('a feed that was sent in the run before is still there, for each session its own, also after a refusal and in a new child', async () => {
  const engine = start()
  const [first, second] = [await engine.load(sum()), await engine.load(sum())]
  const held = floatTensor(Float32Array.of(10), [1])
  const other = floatTensor(Float32Array.of(20), [1])
  const run = async (session: Session, a: number, b: Tensor): Promise<number> =>
    Number((await session.run({ a: floatTensor(Float32Array.of(a), [1]), b })).outputs['y']!.data[0])
  expect(await run(first, 1, held)).toBe(11)
  expect(await run(second, 1, other)).toBe(21)
  expect(await run(first, 2, held)).toBe(12)
  expect(await run(second, 2, other)).toBe(22)
  await expect(
    first.run({ a: floatTensor(new Float32Array(3), [3]), b: floatTensor(new Float32Array(2), [2]) }),
  ).rejects.toThrow()
  expect(await run(first, 3, held)).toBe(13)
  const { pid } = engine
  process.kill(pid!, 'SIGKILL')
  await gone(pid!)
  expect(await run(first, 4, held)).toBe(14)
})

test('a cancelled run does not take another one with it that is on the way behind it', async () => {
  const engine = start()
  const [long, short] = [await engine.load(slow()), await engine.load(affine(2))]
  const abort = new AbortController()
  const cancelled = long.run(slowFeeds, abort.signal)
  const other = short.run(three)
  await sleep(200)
  abort.abort()
  await expect(cancelled).rejects.toSatisfy(isAbort)
  expect([...(await other).outputs['y']!.data]).toEqual([3, 5, 7])
})

test('many runs at once are each answered with their own', async () => {
  const session = await start().load(affine(2))
  const answers = await Promise.all(Array.from({ length: 9 }, (_, n) => session.run({ x: floatTensor(Float32Array.of(n), [1]) })))
  expect(answers.map(({ outputs }) => Number(outputs['y']!.data[0]))).toEqual(Array.from({ length: 9 }, (_, n) => 2 * n + 1))
})
