import type { Value } from '../onnx/graph.ts'
import { attention, conv, geglu, groupNorm, layerNorm, linear, type AttentionOptions } from '../onnx/layers.ts'
import type { Scope } from '../onnx/scope.ts'
import { fromTokens, toTokens, type ToSequence } from './tokens.ts'

export interface TransformerOptions {
  readonly channels: number
  readonly heads: number
  readonly groups: number
  /** Blocks one after the other. */
  readonly depth: number
  /** What cross-attention looks at: rows `[batch * contextTokens, width]`. */
  readonly context: { readonly rows: Value; readonly width: number }
  /** Linear layers instead of 1x1 convolutions at the way in and out (SD 2, SDXL). */
  readonly linearProjection: boolean
  readonly toSequence: ToSequence
  readonly form?: AttentionOptions['form']
}

/** A feature map through transformer blocks: self-attention, attention to the prompt, feed-forward, each beside a shortcut. */
export function transformer(at: Scope, x: Value, options: TransformerOptions): Value {
  const { channels, groups, depth, linearProjection } = options
  const { graph } = at
  const square = { in: channels, out: channels }
  let y = groupNorm(at.at('norm'), x, { channels, groups, epsilon: 1e-6 })
  if (!linearProjection) y = conv(at.at('proj_in'), y, { ...square, kernel: 1 })
  const { rows: first, sides } = toTokens(graph, y, channels)
  let rows = linearProjection ? linear(at.at('proj_in'), first, square) : first
  for (let i = 0; i < depth; i++) rows = block(at.at(`transformer_blocks.${i}`), rows, options)
  if (linearProjection) rows = linear(at.at('proj_out'), rows, square)
  y = fromTokens(graph, { rows, sides })
  if (!linearProjection) y = conv(at.at('proj_out'), y, { ...square, kernel: 1 })
  return graph.node('Add', [y, x])
}

function block(at: Scope, x: Value, options: TransformerOptions): Value {
  const { channels, context } = options
  const { graph } = at
  const norm = (name: string, rows: Value): Value => layerNorm(at.at(name), rows, { channels, epsilon: 1e-5 })
  let rows = x
  const self = norm('norm1', rows)
  rows = graph.node('Add', [attend(at.at('attn1'), self, { rows: self, width: channels }, options), rows])
  rows = graph.node('Add', [attend(at.at('attn2'), norm('norm2', rows), context, options), rows])
  const gated = geglu(at.at('ff.net.0.proj'), norm('norm3', rows), { in: channels, out: 4 * channels })
  return graph.node('Add', [linear(at.at('ff.net.2'), gated, { in: 4 * channels, out: channels }), rows])
}

function attend(at: Scope, x: Value, seen: TransformerOptions['context'], options: TransformerOptions): Value {
  const { channels: width, heads, toSequence, form } = options
  const project = (name: string, rows: Value, from: number): Value =>
    toSequence(linear(at.at(name), rows, { in: from, out: width, bias: false }), width)
  const query = project('to_q', x, width)
  const key = project('to_k', seen.rows, seen.width)
  const value = project('to_v', seen.rows, seen.width)
  const result = attention(at.graph, query, key, value, { heads, width, ...(form === undefined ? {} : { form }) })
  const rows = at.graph.node('Reshape', [result, at.graph.ints([-1, width])])
  return linear(at.at('to_out.0'), rows, { in: width, out: width })
}
