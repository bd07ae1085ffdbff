import type { Graph, Value } from '../onnx/graph.ts'
import { linear, silu } from '../onnx/layers.ts'
import type { Scope } from '../onnx/scope.ts'

/**
 * Sinusoids of timesteps (`[times]`, may be fractional): `[times, channels]`, frequencies 10000^(-i / (half - shift)).
 *
 * @see Ho et al. 2020, arXiv:2006.11239
 */
export function sinusoids(
  graph: Graph,
  timestep: Value,
  options: { channels: number; cosinesFirst: boolean; shift: number },
): Value {
  const half = options.channels / 2
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10000) * i) / (half - options.shift)))
  const column = graph.node('Unsqueeze', [timestep, graph.ints([1])])
  const angles = graph.node('Mul', [column, graph.floats(frequencies, [1, half])])
  const sine = graph.node('Sin', [angles])
  const cosine = graph.node('Cos', [angles])
  return graph.node('Concat', options.cosinesFirst ? [cosine, sine] : [sine, cosine], { axis: -1 })
}

/** Two linear layers with an activation between: `[times, in]` to `[times, out]`. */
export function timeEmbedding(at: Scope, x: Value, options: { in: number; out: number }): Value {
  const hidden = linear(at.at('linear_1'), x, options)
  return linear(at.at('linear_2'), silu(at.graph, hidden), { in: options.out, out: options.out })
}
