import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import '../../test/session-host.ts'
import { isAbort } from '../errors.ts'
import { startEngine } from '../onnx/engine.ts'
import { openGraphCache } from '../onnx/graph-cache.ts'
import { Graph } from '../onnx/graph.ts'
import { floatTensor } from '../onnx/tensor.ts'
import { Random } from '../random.ts'
import type { DiffusionModel } from './diffusion-model.ts'
import { startNetworks, type Network, type Networks } from './networks.ts'
import { openModel, type OpenModelOptions } from './open-model.ts'

vi.mock(import('../onnx/engine.ts'), async (original) => {
  const module = await original()
  return { ...module, startEngine: vi.fn<typeof startEngine>((...args) => watched(module.startEngine(...args))) }
})

/** What was loaded and released, in order. */
const log: string[] = []
function watched(engine: ReturnType<typeof startEngine>): ReturnType<typeof startEngine> {
  return {
    ...engine,
    async load(model, options) {
      log.push(`+${options?.name}`)
      const session = await engine.load(model, options)
      return { ...session, release: () => (log.push(`-${options?.name}`), session.release()) }
    },
  }
}

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
  log.length = 0
})

function times(factor: number, title: string): Network {
  const graph = new Graph(title)
  const x = graph.input('x', 'float32', ['n'])
  graph.output('y', graph.node('Mul', [x, graph.scalar(factor)]), 'float32', ['n'])
  return { model: graph.toModel(), title, weightsRoot: '/' }
}
const x = { x: floatTensor(Float32Array.of(1), [1]) }
function start(lowMemory: boolean): Networks<'a' | 'b'> {
  const networks = startNetworks({ a: times(2, 'a'), b: times(3, 'b') }, { lowMemory, threads: 1, cache: false })
  open.push(networks)
  return networks
}
const value = async (networks: Networks<'a' | 'b'>, name: 'a' | 'b', signal?: AbortSignal): Promise<number> =>
  Number((await networks.run(name, x, signal)).outputs['y']!.data[0])

test('with low memory one network is held at a time, and whoever goes on with it goes first', async () => {
  const networks = start(true)
  expect(log).toEqual([])
  expect(await Promise.all((['a', 'b', 'a', 'b', 'a'] as const).map((name) => value(networks, name)))).toEqual([2, 3, 2, 3, 2])
  expect(log).toEqual(['+a', '-a', '+b'])
  expect(await value(networks, 'b')).toBe(3)
  expect(log).toHaveLength(3)
})

test('otherwise all are loaded at once and kept', async () => {
  const networks = start(false)
  expect(await value(networks, 'b')).toBe(3)
  expect(await value(networks, 'a')).toBe(2)
  expect(log).toEqual(['+a', '+b'])
})

test('a request that is cancelled while it waits does not come up, and the others do', async () => {
  const networks = start(true)
  const abort = new AbortController()
  const first = value(networks, 'a')
  const second = value(networks, 'b', abort.signal)
  abort.abort()
  await expect(second).rejects.toSatisfy(isAbort)
  expect(await first).toBe(2)
  expect(await value(networks, 'a')).toBe(2)
  expect(log).toEqual(['+a'])
})

const tiny = fileURLToPath(new URL('../../test/goldens/tiny-sd15', import.meta.url))
async function results(options: OpenModelOptions): Promise<Float32Array[]> {
  const model: DiffusionModel = await openModel(tiny, options)
  open.push(model)
  const [positive, negative] = [await model.embed('a harbour at night'), await model.embed('')]
  const picture = { width: 64, height: 64, data: Float32Array.from({ length: 12288 }, (_, i) => 0.5 + Math.sin(i / 50) / 2) }
  const latent = await model.encode(picture)
  const shape = { channels: model.latentChannels, height: 64 / model.scale, width: 64 / model.scale }
  const noisy = new Random(1).normals(latent.length).map((noise, i) => latent[i]! + 2 * noise)
  const x0 = await model.denoiser({ positive, negative, cfgScale: 4, shape })(noisy, 2)
  return [positive.data, latent, x0, (await model.decode(latent, shape)).data]
}

test('a model gives the same with low memory, and from the cache, as it gives plainly', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ofgen-networks-'))
  try {
    const plain = await results({ cache: false })
    const cache = openGraphCache({ folder, minimum: 0, limit: 1e9 })
    for (const options of [{ lowMemory: true }, { cache }, { cache }]) {
      const other = await results(options)
      for (const [i, what] of ['prompt', 'encoded', 'denoised', 'decoded'].entries())
        expect(maxDifference(plain[i]!, other[i]!), what).toBeLessThan(1e-4)
    }
    expect((await cache.list()).map(({ name }) => name).toSorted()).toEqual([
      'the UNet',
      'the decoder',
      'the encoder',
      'the text encoder',
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
