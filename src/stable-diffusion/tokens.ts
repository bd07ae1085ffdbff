import type { Graph, Value } from '../onnx/graph.ts'

/** A feature map as rows: `[batch * height * width, channels]`, with the sides it came from. */
export interface Tokens {
  readonly rows: Value
  /** `[batch, height, width, channels]` as the graph knows them at run time. */
  readonly sides: Value
}

/** `[batch, channels, height, width]` to rows. */
export function toTokens(graph: Graph, x: Value, channels: number): Tokens {
  const last = graph.node('Transpose', [x], { perm: [0, 2, 3, 1] })
  return { rows: graph.node('Reshape', [last, graph.ints([-1, channels])]), sides: graph.node('Shape', [last]) }
}

/** Rows back to `[batch, channels, height, width]`. */
export function fromTokens(graph: Graph, { rows, sides }: Tokens): Value {
  return graph.node('Transpose', [graph.node('Reshape', [rows, sides])], { perm: [0, 3, 1, 2] })
}

/** Turns rows `[batch * tokens, width]` into `[batch, tokens, width]`. */
export type ToSequence = (rows: Value, width: number) => Value

/** For a network whose batch is the first side of `input`. */
export function sequences(graph: Graph, input: Value): ToSequence {
  const batch = graph.node('Shape', [input], { end: 1 })
  const shapes = new Map<number, Value>()
  return (rows, width) => {
    const shape = shapes.get(width) ?? graph.node('Concat', [batch, graph.ints([-1, width])], { axis: 0 })
    shapes.set(width, shape)
    return graph.node('Reshape', [rows, shape])
  }
}
