import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, toBrain, toHalf, writtenWeights, type TensorToWrite } from '../../test/safetensors.ts'
import { Random } from '../random.ts'
import { doubledConv } from './doubled-conv.ts'
import { startEngine } from './engine.ts'
import { graphFor } from './device-graph.ts'
import { Graph, type Value } from './graph.ts'
import { attention, conv, geglu, gelu, groupNorm, layerNorm, linear, quickGelu, silu } from './layers.ts'
import { scope, type Scope } from './scope.ts'
import { floatTensor, type Tensor } from './tensor.ts'

// Every layer against its formula in plain loops, with random weights read from a file in each type of float.

const folder = mkdtempSync(join(tmpdir(), 'ofgen-layers-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

const random = new Random(5)
/** Random multiples of 1/64 in -1..1: the same number in every type of float. */
const grid = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => Math.round(random.uniform() * 128 - 64) / 64)
const tensor = (...dims: number[]): Tensor & { data: Float32Array } => {
  const data = random.normals(dims.reduce((product, side) => product * side, 1))
  return { ...floatTensor(data, dims), data }
}

interface Weight {
  readonly dims: readonly number[]
  readonly data: Float32Array
}
const weight = (...dims: number[]): Weight => ({ dims, data: grid(dims.reduce((product, side) => product * side, 1)) })

let files = 0
/** What a layer makes of its inputs: one graph with symbolic sides, its weights in a file of their own. */
async function layer(
  inputs: Readonly<Record<string, Tensor>>,
  weights: Readonly<Record<string, Weight>>,
  build: (at: Scope, ...values: Value[]) => Value,
  {
    dtype = 'F32',
    optimization = 'all' as 'all' | 'disabled',
  }: { dtype?: 'F32' | 'F16' | 'BF16'; optimization?: 'all' | 'disabled' } = {},
): Promise<Tensor & { data: Float32Array }> {
  const written = Object.entries(weights).map(([name, { dims, data }]): [string, TensorToWrite] => [
    `net.${name}`,
    { dtype, dims, data: dtype === 'F16' ? toHalf(data) : dtype === 'BF16' ? toBrain(data) : data },
  ])
  const source = writtenWeights(join(folder, `${files++}.safetensors`), Object.fromEntries(written))
  const graph = new Graph('layer')
  const values = Object.entries(inputs).map(([name, { dims }]) =>
    graph.input(
      name,
      'float32',
      dims.map((side, i) => (i === 1 ? side : `${name}${i}`)),
    ),
  )
  graph.output('y', build(scope(graph, source).at('net'), ...values), 'float32', [])
  const model = graph.toModel()
  const [y, other] = (await Promise.all(
    // As it is, and as it is written for WebGPU.
    [model, graphFor('webgpu', model)].map(async (bytes) => {
      const session = await engine.load(bytes, { optimization })
      const { outputs } = await session.run(inputs)
      await session.release()
      return outputs['y']!
    }),
  )) as [Tensor, Tensor]
  expect(maxDifference(other.data as Float32Array, y.data as Float32Array)).toBeLessThan(1e-4)
  return { dims: y.dims, data: y.data as Float32Array }
}

// ---- formulas

interface ConvFormula {
  readonly kernel: number
  readonly stride: number
  readonly pads: readonly [number, number, number, number]
}
function convFormula(x: Weight, w: Weight, bias: Float32Array | undefined, { kernel, stride, pads }: ConvFormula): Weight {
  const [batch, channels, height, width] = x.dims as [number, number, number, number]
  const out = w.dims[0]!
  const [top, left, bottom, right] = pads
  const rows = Math.floor((height + top + bottom - kernel) / stride) + 1
  const columns = Math.floor((width + left + right - kernel) / stride) + 1
  const data = new Float32Array(batch * out * rows * columns)
  for (let b = 0, at = 0; b < batch; b++)
    for (let o = 0; o < out; o++)
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++, at++) {
          let sum = bias?.[o] ?? 0
          for (let i = 0; i < channels; i++)
            for (let ky = 0; ky < kernel; ky++)
              for (let kx = 0; kx < kernel; kx++) {
                const [sy, sx] = [r * stride - top + ky, c * stride - left + kx]
                if (sy < 0 || sx < 0 || sy >= height || sx >= width) continue
                sum +=
                  x.data[((b * channels + i) * height + sy) * width + sx]! *
                  w.data[((o * channels + i) * kernel + ky) * kernel + kx]!
              }
          data[at] = sum
        }
  return { dims: [batch, out, rows, columns], data }
}

function linearFormula(x: Weight, w: Weight, bias?: Float32Array): Float32Array {
  const [rows, from] = x.dims as [number, number]
  const to = w.dims[0]!
  return Float32Array.from({ length: rows * to }, (_, at) => {
    const [r, o] = [Math.floor(at / to), at % to]
    let sum = bias?.[o] ?? 0
    for (let i = 0; i < from; i++) sum += x.data[r * from + i]! * w.data[o * from + i]!
    return sum
  })
}

function normFormula(values: Float32Array, epsilon: number): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return values.map((value) => (value - mean) / Math.sqrt(variance + epsilon))
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
function erf(x: number): number {
  let [sum, term] = [x, x]
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}
const geluFormula = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2))

function attentionFormula(q: Weight, k: Weight, v: Weight, heads: number, causal: boolean): Float32Array {
  const [batch, tokens, width] = q.dims as [number, number, number]
  const seen = k.dims[1]!
  const head = width / heads
  const out = new Float32Array(q.data.length)
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < tokens; t++) {
        const scores = Array.from({ length: causal ? t + 1 : seen }, (_, s) => {
          let dot = 0
          for (let i = 0; i < head; i++)
            dot += q.data[(b * tokens + t) * width + h * head + i]! * k.data[(b * seen + s) * width + h * head + i]!
          return Math.exp(dot / Math.sqrt(head))
        })
        const total = scores.reduce((sum, score) => sum + score, 0)
        for (let i = 0; i < head; i++) {
          let sum = 0
          for (const [s, score] of scores.entries()) sum += (score / total) * v.data[(b * seen + s) * width + h * head + i]!
          out[(b * tokens + t) * width + h * head + i] = sum
        }
      }
  return out
}

// ---- layers

test.each([
  ['3x3', {}, 'F32'],
  ['3x3 in fp16', {}, 'F16'],
  ['3x3 in bf16', {}, 'BF16'],
  ['3x3 without bias', { bias: false }, 'F16'],
  ['3x3, stride 2, on odd sides', { stride: 2 }, 'F32'],
  ['3x3, stride 2, padded below and to the right only', { stride: 2, pads: [0, 0, 1, 1] as const }, 'F32'],
  ['1x1', { kernel: 1 }, 'F16'],
] as const)('convolution %s', async (_, options, dtype) => {
  const {
    kernel = 3,
    stride = 1,
    bias = true,
    pads,
  } = options as { kernel?: number; stride?: number; bias?: boolean; pads?: ConvFormula['pads'] }
  const x = tensor(2, 6, 7, 9)
  const weights = { weight: weight(10, 6, kernel, kernel), ...(bias ? { bias: weight(10) } : {}) }
  const half = kernel >> 1
  const expected = convFormula(x, weights.weight, bias ? weights.bias!.data : undefined, {
    kernel,
    stride,
    pads: pads ?? [half, half, half, half],
  })
  const actual = await layer({ x }, weights, (at, x) => conv(at, x!, { in: 6, out: 10, ...options }), { dtype })
  expect(actual.dims).toEqual(expected.dims)
  expect(maxDifference(actual.data, expected.data)).toBeLessThan(2e-5)
})

test.each([true, false])('linear layer (bias %s)', async (bias) => {
  const x = tensor(5, 12)
  const weights = { weight: weight(7, 12), ...(bias ? { bias: weight(7) } : {}) }
  const actual = await layer({ x }, weights, (at, x) => linear(at, x!, { in: 12, out: 7, bias }), { dtype: 'F16' })
  expect(actual.dims).toEqual([5, 7])
  expect(maxDifference(actual.data, linearFormula(x, weights.weight, bias ? weights.bias!.data : undefined))).toBeLessThan(1e-5)
})

test.each([1e-5, 1e-6])('group norm scales, then shifts, with epsilon %s inside the root', async (epsilon) => {
  const x = tensor(2, 8, 5, 3)
  // Numbers as small as the root of epsilon, so that a wrong one shows.
  for (let i = 0; i < x.data.length; i++) x.data[i] = 0.3 + x.data[i]! * 3e-3
  const weights = { weight: weight(8), bias: weight(8) }
  const actual = await layer({ x }, weights, (at, x) => groupNorm(at, x!, { channels: 8, groups: 4, epsilon }))
  const group = 2 * 5 * 3
  const expected = new Float32Array(x.data.length)
  for (let start = 0; start < x.data.length; start += group)
    expected.set(normFormula(x.data.subarray(start, start + group), epsilon), start)
  for (let i = 0; i < expected.length; i++) {
    const channel = Math.floor(i / 15) % 8
    expected[i] = expected[i]! * weights.weight.data[channel]! + weights.bias.data[channel]!
  }
  expect(actual.dims).toEqual([2, 8, 5, 3])
  expect(maxDifference(actual.data, expected)).toBeLessThan(2e-4)
})

test('layer norm scales, then shifts', async () => {
  const x = tensor(6, 10)
  for (let i = 0; i < x.data.length; i++) x.data[i]! *= 3e-3
  const weights = { weight: weight(10), bias: weight(10) }
  const actual = await layer({ x }, weights, (at, x) => layerNorm(at, x!, { channels: 10, epsilon: 1e-5 }), { dtype: 'F16' })
  const expected = new Float32Array(60)
  for (let row = 0; row < 6; row++)
    expected.set(
      normFormula(x.data.subarray(row * 10, row * 10 + 10), 1e-5).map(
        (value, i) => value * weights.weight.data[i]! + weights.bias.data[i]!,
      ),
      row * 10,
    )
  expect(maxDifference(actual.data, expected)).toBeLessThan(1e-5)
})

test.each([
  ['SiLU', silu, (x: number) => x * sigmoid(x)],
  ['exact GELU', gelu, geluFormula],
  ['quick GELU', quickGelu, (x: number) => x * sigmoid(1.702 * x)],
] as const)('%s, also as the runtime fuses it', async (_, build, formula) => {
  const x = tensor(4, 50)
  for (const optimization of ['all', 'disabled'] as const) {
    const actual = await layer({ x }, {}, (at, x) => build(at.graph, x!), { optimization })
    expect(maxDifference(actual.data, x.data.map(formula))).toBeLessThan(2e-6)
  }
})

test('gated feed-forward: the first half times GELU of the second', async () => {
  const x = tensor(5, 6)
  const weights = { weight: weight(16, 6), bias: weight(16) }
  const actual = await layer({ x }, weights, (at, x) => geglu(at, x!, { in: 6, out: 8 }), { dtype: 'F16' })
  const projected = linearFormula(x, weights.weight, weights.bias.data)
  const expected = Float32Array.from({ length: 40 }, (_, at) => {
    const start = Math.floor(at / 8) * 16 + (at % 8)
    return projected[start]! * geluFormula(projected[start + 8]!)
  })
  expect(maxDifference(actual.data, expected)).toBeLessThan(1e-5)
})

test.each([
  ['fused', false],
  ['plain', false],
  ['written out', false],
  ['fused', true],
  ['plain', true],
  ['written out', true],
] as const)('attention, %s, causal %s', async (form, causal) => {
  const graphInputs = { q: tensor(2, 5, 12), k: tensor(2, causal ? 5 : 7, 12), v: tensor(2, causal ? 5 : 7, 12) }
  const { q, k, v } = graphInputs
  const graph = new Graph('attention')
  const values = Object.keys(graphInputs).map((name) =>
    graph.input(name, 'float32', ['batch', name === 'q' ? 'tokens' : 'seen', 12]),
  )
  graph.output(
    'y',
    attention(graph, values[0]!, values[1]!, values[2]!, {
      heads: 3,
      width: 12,
      causal,
      form: form === 'plain' ? 'plain' : 'fused',
    }),
    'float32',
    ['batch', 'tokens', 12],
  )
  const model = form === 'written out' ? graphFor('webgpu', graph.toModel()) : graph.toModel()
  expect(Buffer.from(model).includes('num_heads')).toBe(form === 'fused')
  const session = await engine.load(model)
  const { outputs } = await session.run(graphInputs)
  expect(outputs['y']!.dims).toEqual([2, 5, 12])
  expect(maxDifference(outputs['y']!.data as Float32Array, attentionFormula(q, k, v, 3, causal))).toBeLessThan(2e-6)
})

test.each([true, false])('convolution of a doubled map, to sides twice or twice less one (bias %s)', async (bias) => {
  const x = tensor(2, 3, 3, 4)
  const weights = { weight: weight(5, 3, 3, 3), ...(bias ? { bias: weight(5) } : {}) }
  for (const [height, width] of [
    [6, 8],
    [5, 8],
    [6, 7],
    [5, 7],
  ] as const) {
    const like = tensor(2, 1, height, width)
    const doubled = Float32Array.from({ length: 6 * height * width }, (_, i) => {
      const [row, column] = [(Math.floor(i / width) % height) >> 1, (i % width) >> 1]
      return x.data[(Math.floor(i / (height * width)) * 3 + row) * 4 + column]!
    })
    const expected = convFormula({ dims: [2, 3, height, width], data: doubled }, weights.weight, weights.bias?.data, {
      kernel: 3,
      stride: 1,
      pads: [1, 1, 1, 1],
    })
    const options = { in: 3, out: 5, bias }
    const actual = await layer({ x, like }, weights, (at, x, like) => doubledConv(at, x!, { ...options, like: like! }), {
      dtype: 'F16',
    })
    expect(actual.dims).toEqual([2, 5, height, width])
    expect(maxDifference(actual.data, expected.data)).toBeLessThan(1e-5)
    if (height === 5 || width === 7) continue
    const even = await layer({ x }, weights, (at, x) => doubledConv(at, x!, options), { dtype: 'F16' })
    expect(maxDifference(even.data, expected.data)).toBeLessThan(1e-5)
  }
})

test('doubling to any side, odd or even, takes cell i / 2', async () => {
  const identity = { dims: [1, 1, 3, 3], data: Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0) }
  const source = writtenWeights(join(folder, 'identity.safetensors'), { weight: { dtype: 'F32', ...identity } })
  const graph = new Graph('doubling')
  const x = graph.input('x', 'float32', [1, 1, 'height', 1])
  const like = graph.input('like', 'float32', [1, 1, 'likeHeight', 2])
  const y = doubledConv(scope(graph, source), x, { in: 1, out: 1, bias: false, like })
  graph.output('y', y, 'float32', [1, 1, 'likeHeight', 2])
  const session = await engine.load(graph.toModel())
  for (let side = 1; side <= 70; side++)
    for (const target of [2 * side - 1, 2 * side]) {
      const cells = tensor(1, 1, side, 1)
      const { outputs } = await session.run({ x: cells, like: floatTensor(new Float32Array(2 * target), [1, 1, target, 2]) })
      expect(outputs['y']!.data).toEqual(Float32Array.from({ length: 2 * target }, (_, i) => cells.data[i >> 2]!))
    }
})

test('a weight that is missing or of another shape is refused, naming file and tensor', async () => {
  const x = tensor(1, 6, 4, 4)
  const build = (at: Scope, x?: Value): Value => conv(at, x!, { in: 6, out: 4 })
  await expect(layer({ x }, { weight: weight(4, 6, 3, 3) }, build)).rejects.toMatchObject({
    code: 'model_invalid',
    message: expect.stringMatching(/\.safetensors has no tensor "net\.bias"/) as unknown,
  })
  await expect(layer({ x }, { weight: weight(4, 6, 1, 1), bias: weight(4) }, build)).rejects.toMatchObject({
    code: 'model_invalid',
    message: expect.stringMatching(/tensor "net\.weight" is \[4, 6, 1, 1\], but its config calls for \[4, 6, 3, 3\]/) as unknown,
  })
})
