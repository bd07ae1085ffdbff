import type { Graph, Value } from './graph.ts'
import type { Scope } from './scope.ts'

// How each layer is written decides how fast it runs; the forms here were measured on onnxruntime 1.30, cpu.

export interface ConvOptions {
  readonly in: number
  readonly out: number
  /** Side of the square kernel, 3 by default. */
  readonly kernel?: number
  readonly stride?: number
  /** Zeros added at the top, left, bottom and right; by default half the kernel on every side. */
  readonly pads?: readonly [number, number, number, number]
  readonly bias?: boolean
}

/** Convolution of `[batch, in, height, width]`; weight `[out, in, kernel, kernel]`. */
export function conv(at: Scope, x: Value, options: ConvOptions): Value {
  const { kernel = 3, stride = 1, bias = true } = options
  const half = kernel >> 1
  const inputs = [x, at.weight('weight', [options.out, options.in, kernel, kernel])]
  if (bias) inputs.push(at.weight('bias', [options.out]))
  return at.graph.node('Conv', inputs, {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: options.pads ?? [half, half, half, half],
  })
}

/** `x W^T + b` of `[rows, in]`; weight `[out, in]`. Gemm, because MatMul with a transposed weight doubles load time and memory. */
export function linear(at: Scope, x: Value, options: { in: number; out: number; bias?: boolean }): Value {
  const inputs = [x, at.weight('weight', [options.out, options.in])]
  if (options.bias ?? true) inputs.push(at.weight('bias', [options.out]))
  return at.graph.node('Gemm', inputs, { transB: 1 })
}

/**
 * Group normalisation of `[batch, channels, height, width]`: instance normalisation over groups, then scale and shift
 * by channel (half the time of the runtime's own GroupNormalization).
 *
 * @see Wu and He 2018, arXiv:1803.08494
 */
export function groupNorm(at: Scope, x: Value, options: { channels: number; groups: number; epsilon: number }): Value {
  const { channels, groups, epsilon } = options
  const { graph } = at
  const perChannel = (name: string): Value => graph.node('Reshape', [at.weight(name, [channels]), graph.ints([channels, 1, 1])])
  const grouped = graph.node('Reshape', [x, graph.ints([0, groups, -1])])
  const even = graph.node('InstanceNormalization', [grouped, graph.filled(1, groups), graph.filled(0, groups)], {
    epsilon: { float: epsilon },
  })
  const back = graph.node('Reshape', [even, graph.node('Shape', [x])])
  return graph.node('Add', [graph.node('Mul', [back, perChannel('weight')]), perChannel('bias')])
}

/** Layer normalisation over the last side, which has `channels`. */
export function layerNorm(at: Scope, x: Value, options: { channels: number; epsilon: number }): Value {
  const { channels, epsilon } = options
  return at.graph.node('LayerNormalization', [x, at.weight('weight', [channels]), at.weight('bias', [channels])], {
    axis: -1,
    epsilon: { float: epsilon },
  })
}

/** `x sigmoid(x)`; the runtime fuses the pair, its Swish is slower. */
export function silu(graph: Graph, x: Value): Value {
  return graph.node('Mul', [x, graph.node('Sigmoid', [x])])
}

/** Exact `x Phi(x)`. */
export function gelu(graph: Graph, x: Value): Value {
  return graph.node('Gelu', [x])
}

/** CLIP's approximation `x sigmoid(1.702 x)`. */
export function quickGelu(graph: Graph, x: Value): Value {
  return graph.node('Mul', [x, graph.node('Sigmoid', [graph.node('Mul', [x, graph.scalar(1.702)])])])
}

/** Gated feed-forward: the first half of a projection times gelu of the second, `[rows, in]` to `[rows, out]`. */
export function geglu(at: Scope, x: Value, options: { in: number; out: number }): Value {
  const projected = linear(at, x, { in: options.in, out: 2 * options.out })
  const [value, gate] = at.graph.nodes('Split', [projected], { axis: -1, num_outputs: 2 }, 2)
  return at.graph.node('Mul', [value!, gelu(at.graph, gate!)])
}

export interface AttentionOptions {
  readonly heads: number
  /** Channels of all heads together. */
  readonly width: number
  /** Each token sees only itself and those before it. */
  readonly causal?: boolean
  /** `fused` is twice as fast on cpu; `plain` is right everywhere (fused gives wrong numbers on webgpu). */
  readonly form?: 'fused' | 'plain'
}

/**
 * Scaled dot-product attention. Query `[batch, tokens, width]`, key and value `[batch, contextTokens, width]`; the
 * scale is one over the root of a head's width.
 *
 * @see Vaswani et al. 2017, arXiv:1706.03762
 */
export function attention(graph: Graph, query: Value, key: Value, value: Value, options: AttentionOptions): Value {
  const { heads, width, causal = false, form = 'fused' } = options
  if (form === 'fused')
    return graph.node('MultiHeadAttention', [query, key, value], {
      num_heads: heads,
      scale: { float: (width / heads) ** -0.5 },
      ...(causal ? { unidirectional: 1 } : {}),
    })
  const split = (x: Value, perm: readonly number[]): Value =>
    graph.node('Transpose', [graph.node('Reshape', [x, graph.ints([0, 0, heads, width / heads])])], { perm })
  const scaled = graph.node('Mul', [split(query, [0, 2, 1, 3]), graph.scalar((width / heads) ** -0.5)])
  let scores = graph.node('MatMul', [scaled, split(key, [0, 2, 3, 1])])
  if (causal) scores = graph.node('Add', [scores, causalMask(graph, scores)])
  const seen = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: -1 }), split(value, [0, 2, 1, 3])])
  return graph.node('Reshape', [graph.node('Transpose', [seen], { perm: [0, 2, 1, 3] }), graph.ints([0, 0, width])])
}

/** `[tokens, tokens]`: 0 on and below the diagonal, hugely negative above. */
function causalMask(graph: Graph, scores: Value): Value {
  const sides = graph.node('Shape', [scores], { start: 2 })
  const full = graph.node('Expand', [graph.scalar(-1e9), sides])
  return graph.node('Trilu', [full, graph.node('Reshape', [graph.ints([1]), graph.ints([])])], { upper: 1 })
}
