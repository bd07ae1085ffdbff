import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writtenWeights } from '../../test/safetensors.ts'
import { sessionHost } from '../../test/session-host.ts'
import { Random } from '../random.ts'
import { cacheFolder } from './cache-folder.ts'
import { startEngine, type Engine } from './engine.ts'
import { openGraphCache, type GraphCache, type GraphCacheOptions } from './graph-cache.ts'
import { Graph } from './graph.ts'
import { conv, silu } from './layers.ts'
import { digestModel } from './model-digest.ts'
import { scope } from './scope.ts'
import { floatTensor } from './tensor.ts'

let folder: string
let engines: Engine[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ofgen-cache-'))
  engines = []
})
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
  rmSync(folder, { recursive: true })
})

const channels = 32
const x = floatTensor(new Random(3).normals(channels * 64), [1, channels, 8, 8])

/** Two convolutions whose weights lie in a file. */
function model(file: string): Uint8Array {
  const graph = new Graph('two')
  const at = scope(graph, openWeights(file))
  const input = graph.input('x', 'float32', ['batch', channels, 'height', 'width'])
  const first = silu(graph, conv(at.at('a'), input, { in: channels, out: channels }))
  graph.output('y', conv(at.at('b'), first, { in: channels, out: channels }), 'float32', [])
  return graph.toModel()
}

const written = new Map<string, ReturnType<typeof writtenWeights>>()
const openWeights = (file: string): ReturnType<typeof writtenWeights> => written.get(file)!
function write(file: string, seed: number): string {
  const random = new Random(seed)
  const tensor = (...dims: number[]): { dtype: 'F32'; dims: number[]; data: Float32Array } => ({
    dtype: 'F32',
    dims,
    data: random.normals(dims.reduce((product, side) => product * side, 1)),
  })
  const kernel = [channels, channels, 3, 3]
  const weights = { 'a.weight': tensor(...kernel), 'a.bias': tensor(32), 'b.weight': tensor(...kernel), 'b.bias': tensor(32) }
  written.set(file, writtenWeights(file, weights))
  return file
}

const cacheAt = (options: GraphCacheOptions = {}): GraphCache =>
  openGraphCache({ folder: join(folder, 'cache'), minimum: 0, limit: 1e9, ...options })

async function run(bytes: Uint8Array, cache?: GraphCache): Promise<{ y: Float32Array; cached: boolean }> {
  const engine = startEngine({ threads: 1, cache })
  engines.push(engine)
  const session = await engine.load(bytes)
  const { outputs } = await session.run({ x })
  return { y: outputs['y']!.data as Float32Array, cached: session.cached }
}
const largest = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
const entries = (): string[] => readdirSync(join(folder, 'cache'))

test('the second load takes what the first one kept, with the same results', async () => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const plain = await run(bytes)
  const first = await run(bytes, cacheAt())
  const second = await run(bytes, cacheAt())
  expect([plain.cached, first.cached, second.cached]).toEqual([false, false, true])
  expect(largest(plain.y, first.y)).toBeLessThan(1e-4)
  expect(second.y).toEqual(first.y)
  expect(entries()).toHaveLength(1)
  const [entry] = await cacheAt().list()
  expect(entry).toMatchObject({ name: 'a network', source: join(folder, 'w.safetensors'), stale: undefined })
  expect(entry!.bytes).toBeGreaterThan(2 * 9 * channels * channels * 4)
})

test('a moved file is the same model, another number in it another', async () => {
  const [here, there] = [join(folder, 'here.safetensors'), join(folder, 'a-folder-with-a-longer-name.safetensors')]
  const before = await digestModel(model(write(here, 1)), '/')
  renameSync(here, there)
  written.set(there, writtenAt(there, 1))
  expect((await digestModel(model(there), '/')).hash).toBe(before.hash)
  expect(before.floatBytes).toBe(4 * (2 * 9 * channels * channels + 2 * channels))
  const bytes = readFileSync(there)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(there, bytes)
  expect((await digestModel(model(there), '/')).hash).not.toBe(before.hash)
  expect((await digestModel(model(write(here, 2)), '/')).hash).not.toBe(before.hash)
})
const writtenAt = (file: string, seed: number): ReturnType<typeof writtenWeights> => (write(file, seed), written.get(file)!)

const damages: [string, (file: string) => void][] = [
  ['cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, statSync(file).size >> 1))],
  ['emptied', (file) => writeFileSync(file, '')],
  ['removed', (file) => rmSync(file)],
  ['altered', (file) => writeFileSync(file, readFileSync(file).fill(7, 50, 60))],
]
test.each(
  damages.flatMap(([how, damage]) => ['model.onnx', 'weights.bin', 'entry.json'].map((file) => [file, how, damage] as const)),
)('a kept %s that was %s is made anew', async (file, _, damage) => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const { y } = await run(bytes, cacheAt())
  damage(join(folder, 'cache', entries()[0]!, file))
  const after = await run(bytes, cacheAt())
  expect(after).toEqual({ y, cached: false })
  expect(await run(bytes, cacheAt())).toEqual({ y, cached: true })
})

test('an entry that the runtime refuses although it is whole is removed, and the network loaded without it', async () => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const { y } = await run(bytes)
  const cache = cacheAt()
  const key = (await cache.keyOf(bytes, '/', 'it'))!
  await cache.keep(key, (graph, weights) => {
    writeFileSync(graph, 'no graph')
    writeFileSync(weights, 'no weights')
    return Promise.resolve()
  })
  expect(entries()).toEqual([key.key])
  expect(await run(bytes, cache)).toEqual({ y, cached: false })
  expect(entries()).toEqual([])
})

test('a process that does not survive a kept network is replaced by one that does without', async () => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const { y } = await run(bytes)
  await run(bytes, cacheAt())
  const host = join(folder, 'host.mjs')
  writeFileSync(
    host,
    `await import(${JSON.stringify(pathToFileURL(sessionHost).href)})
     process.prependListener('message', ({ kind }) => kind === 'load-stored' && process.kill(process.pid, 'SIGKILL'))`,
  )
  const engine = startEngine({ threads: 1, cache: cacheAt(), host })
  engines.push(engine)
  const session = await engine.load(bytes)
  expect((await session.run({ x })).outputs['y']!.data).toEqual(y)
  expect(session.cached).toBe(false)
  expect(entries()).toEqual([])
})

test('what cannot be kept is loaded all the same: no folder, no room, too large, too small', async () => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const { y } = await run(bytes)
  writeFileSync(join(folder, 'file'), '')
  for (const options of [{ folder: join(folder, 'file', 'cache') }, { limit: 1000 }, { minimum: 1e9 }])
    expect(await run(bytes, cacheAt(options))).toEqual({ y, cached: false })
  expect(existsSync(join(folder, 'cache'))).toBe(false)
})

test('two processes that make the same entry at once both get theirs', async () => {
  const bytes = model(write(join(folder, 'w.safetensors'), 1))
  const results = await Promise.all([run(bytes, cacheAt()), run(bytes, cacheAt()), run(bytes, cacheAt())])
  for (const { y } of results) expect(y).toEqual(results[0].y)
  expect(entries()).toHaveLength(1)
})

test('beyond the limit the longest unused go', async () => {
  const models = [1, 2, 3].map((seed) => model(write(join(folder, `${seed}.safetensors`), seed)))
  await run(models[0]!, cacheAt())
  await run(models[1]!, cacheAt())
  const list = await cacheAt().list()
  const oldest = list.find(({ source }) => source.endsWith('1.safetensors'))!
  for (const [i, { key }] of list.entries())
    utimesSync(join(folder, 'cache', key, 'entry.json'), new Date(1e12 + i * 1e6), new Date(1e12 + i * 1e6))
  // A use makes an entry young again.
  await cacheAt().find({ key: oldest.key, name: '', source: '', floatBytes: 0 })
  await run(models[2]!, cacheAt({ limit: Math.ceil(oldest.bytes * 2.5) }))
  const left = (await cacheAt().list()).map(({ source }) => source.slice(-13))
  expect(left.toSorted()).toEqual(['1.safetensors', '3.safetensors'])
})

test('cleaning removes what is asked for, and what a killed maker left', async () => {
  for (const seed of [1, 2]) await run(model(write(join(folder, `${seed}.safetensors`), seed)), cacheAt())
  mkdirSync(join(folder, 'cache', 'part-4194305-abc'))
  writeFileSync(join(folder, 'cache', 'mine.txt'), 'not ours')
  const [newest, other] = await cacheAt().list()
  expect(await cacheAt().clean(({ key }) => key === other!.key)).toBe(other!.bytes)
  expect(entries().toSorted()).toEqual([newest!.key, 'mine.txt'].toSorted())
  await cacheAt().clean()
  expect(entries()).toEqual(['mine.txt'])
})

test('entries of another runtime or processor are said to be so', async () => {
  await run(model(write(join(folder, '1.safetensors'), 1)), cacheAt())
  const about = join(folder, 'cache', entries()[0]!, 'entry.json')
  const text = readFileSync(about, 'utf8')
  writeFileSync(about, text.replace(/"runtime": "[^"]*"/, '"runtime": "1.2.3"'))
  expect((await cacheAt().list())[0]!.stale).toBe('another runtime')
  writeFileSync(about, text.replace(/"cpu": "[^"]*"/, '"cpu": "none"'))
  expect((await cacheAt().list())[0]!.stale).toBe('another processor')
})

test('the folder is the platform’s own, or the one of OFGEN_CACHE', () => {
  expect(cacheFolder({ OFGEN_CACHE: '/x' }, 'linux')).toBe('/x')
  expect(cacheFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux')).toBe(join('/xdg', 'ofgen'))
  expect(cacheFolder({}, 'linux')).toMatch(/\.cache.ofgen$/)
  expect(cacheFolder({}, 'darwin')).toMatch(/Library.Caches.ofgen$/)
  expect(cacheFolder({ LOCALAPPDATA: 'C:\\l' }, 'win32')).toBe(join('C:\\l', 'ofgen', 'cache'))
})
