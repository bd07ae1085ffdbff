import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference } from '../../test/safetensors.ts'
import { startEngine } from '../onnx/engine.ts'
import { Graph } from '../onnx/graph.ts'
import { floatTensor } from '../onnx/tensor.ts'
import { sinusoids } from './time-embedding.ts'

const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())

test.each([
  [true, 0],
  [false, 0],
  [true, 1],
])('sinusoids with cosines first %s and shift %s, of whole and fractional timesteps', async (cosinesFirst, shift) => {
  const graph = new Graph('sinusoids')
  const timestep = graph.input('timestep', 'float32', ['times'])
  graph.output('waves', sinusoids(graph, timestep, { channels: 10, cosinesFirst, shift }), 'float32', ['times', 10])
  const session = await engine.load(graph.toModel())
  const times = [0, 1, 12.5, 999]
  const { outputs } = await session.run({ timestep: floatTensor(Float32Array.from(times), [4]) })
  const expected = times.flatMap((t) => {
    const angles = [0, 1, 2, 3, 4].map((i) => t * 10000 ** (-i / (5 - shift)))
    const [sines, cosines] = [angles.map(Math.sin), angles.map(Math.cos)]
    return cosinesFirst ? [...cosines, ...sines] : [...sines, ...cosines]
  })
  expect(outputs['waves']!.dims).toEqual([4, 10])
  expect(maxDifference(outputs['waves']!.data as Float32Array, expected)).toBeLessThan(1e-4)
})
