import type { Value } from '../onnx/graph.ts'
import { conv, groupNorm, linear, silu } from '../onnx/layers.ts'
import type { Scope } from '../onnx/scope.ts'

export interface ResnetOptions {
  readonly in: number
  readonly out: number
  readonly groups: number
  readonly epsilon: number
  /** Activated time embedding `[times, width]`; autoencoders have none. */
  readonly time?: { readonly value: Value; readonly width: number } | undefined
}

/** Residual block: two normed, activated 3x3 convolutions beside a shortcut, the time embedding added between them. */
export function resnet(at: Scope, x: Value, options: ResnetOptions): Value {
  const { in: from, out: to, groups, epsilon, time } = options
  const { graph } = at
  let y = silu(graph, groupNorm(at.at('norm1'), x, { channels: from, groups, epsilon }))
  y = conv(at.at('conv1'), y, { in: from, out: to })
  if (time !== undefined) {
    const shift = linear(at.at('time_emb_proj'), time.value, { in: time.width, out: to })
    y = graph.node('Add', [y, graph.node('Unsqueeze', [shift, graph.ints([2, 3])])])
  }
  y = silu(graph, groupNorm(at.at('norm2'), y, { channels: to, groups, epsilon }))
  y = conv(at.at('conv2'), y, { in: to, out: to })
  const shortcut = from === to ? x : conv(at.at('conv_shortcut'), x, { in: from, out: to, kernel: 1 })
  return graph.node('Add', [shortcut, y])
}
