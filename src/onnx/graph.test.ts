import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { toBrain, toHalf, writtenWeights } from '../../test/safetensors.ts'
import { startEngine } from './engine.ts'
import { Graph } from './graph.ts'
import { floatTensor } from './tensor.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-graph-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

const values = Float32Array.of(1, -2, 0.5)

test('weights of several files and types, behind links and odd names, are read where they lie', async () => {
  mkdirSync(join(folder, 'blobs'))
  mkdirSync(join(folder, 'snäp shot'))
  // Bytes before the numbers, so that they lie at an odd address.
  const odd = { dtype: 'U8', dims: [2], data: Uint8Array.of(1, 2) } as const
  const wide = writtenWeights(join(folder, 'wide.safetensors'), { odd, w: { dtype: 'F32', dims: [3], data: values } })
  const half = writtenWeights(join(folder, 'blobs/half'), { w: { dtype: 'F16', dims: [3], data: toHalf(values) } })
  const brain = writtenWeights(join(folder, 'brain.safetensors'), { odd, w: { dtype: 'BF16', dims: [3], data: toBrain(values) } })
  const link = join(folder, 'snäp shot/half.safetensors')
  symlinkSync('../blobs/half', link)
  expect(wide.find('w', [3])!.offset % 2).toBe(1)

  const graph = new Graph('files')
  const x = graph.input('x', 'float32', ['n'])
  let y = x
  for (const tensor of [wide.find('w', [3])!, { ...half.find('w', [3])!, file: link }, brain.find('w', [3])!])
    y = graph.node('Add', [y, graph.toFloat(graph.stored(tensor))])
  graph.output('y', y, 'float32', ['n'])
  const session = await engine.load(graph.toModel())
  const { outputs } = await session.run({ x: floatTensor(Float32Array.of(0.25, 0, 0), [3]) })
  expect(outputs['y']!.data).toEqual(Float32Array.of(3.25, -6, 1.5))
})

test('the same constant is written once', () => {
  const stored = { file: '/tmp/x', offset: 8, length: 4, type: 'float16', dims: [2] } as const
  const graph = new Graph('once')
  expect(graph.stored(stored)).toBe(graph.stored({ ...stored }))
  expect(graph.stored({ ...stored, offset: 12 })).not.toBe(graph.stored(stored))
  expect(graph.toFloat(graph.stored(stored))).toBe(graph.toFloat(graph.stored(stored)))
  expect(graph.ints([1, 2])).toBe(graph.ints([1, 2]))
  expect(graph.ints([1, 2])).not.toBe(graph.ints([12]))
  expect(graph.scalar(0.5)).not.toBe(graph.scalar(0.25))
})

test('weights that do not reach the end of their tensor are refused at load', async () => {
  const source = writtenWeights(join(folder, 'short.safetensors'), { w: { dtype: 'F32', dims: [3], data: values } })
  const graph = new Graph('short')
  graph.output('y', graph.stored({ ...source.find('w', [3])!, offset: source.find('w', [3])!.offset + 4 }), 'float32', [3])
  await expect(engine.load(graph.toModel())).rejects.toMatchObject({ code: 'engine_failed' })
})
