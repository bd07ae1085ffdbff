import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { startEngine } from './engine.ts'
import { adaptedModel, portsOf } from './exported-model.ts'
import { elementTypes, Graph } from './graph.ts'

const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())

test('16-bit floats, whole numbers and single numbers are cast on the way in and out, whatever the names', async () => {
  const graph = new Graph('exported')
  const sample = graph.input('sample', 'float16', ['batch', 2])
  const step = graph.input('timestep', 'int64', [])
  const sum = graph.node('Add', [graph.node('Cast', [sample], { to: 1 }), graph.node('Cast', [step], { to: 1 })])
  graph.output('out_sample', graph.node('Cast', [sum], { to: elementTypes.float16 }), 'float16', ['batch', 2])
  graph.output('sum', sum, 'float32', ['batch', 2])
  const bytes = graph.toModel()
  const ports = portsOf(bytes, 'model.onnx')
  expect(ports.inputs).toEqual([
    { name: 'sample', type: 10, dims: ['batch', 2] },
    { name: 'timestep', type: 7, dims: [] },
  ])
  const adapted = adaptedModel(bytes, 'model.onnx', '/models', {
    inputs: [
      { name: 'sample', type: 'float32', port: ports.inputs[0]! },
      { name: 'timestep', type: 'float32', port: ports.inputs[1]! },
    ],
    // Ours has the name of another of theirs.
    outputs: [{ name: 'sum', port: ports.outputs[0]! }],
  })
  const session = await engine.load(adapted)
  const { outputs } = await session.run({
    sample: { data: Float32Array.of(0.5, -1), dims: [1, 2] },
    timestep: { data: Float32Array.of(500.6), dims: [1] },
  })
  expect(Object.keys(outputs)).toEqual(['sum'])
  expect([...(outputs['sum']!.data as Float32Array)]).toEqual([501.5, 500])
})

test('bytes that are no model are refused by the name of the file', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0x3a, 0x7f), new TextEncoder().encode('<!DOCTYPE html>')])
    expect(() => portsOf(bytes, 'unet/model.onnx')).toThrow('unet/model.onnx is no ONNX model, or a damaged one.')
})
