import type { Graph, StoredTensor, Value } from '../../onnx/graph.ts'
import { LoraMisfit, loraDelta, lowRankPair, wholeDifference } from './lora-delta.ts'
import type { LoraModule } from './lora-file.ts'

/** A module that changes a weight, and how strongly. */
export interface LoraChange {
  readonly module: LoraModule
  readonly factor: number
  /** Makes an error of a misfit. */
  readonly refuse: (misfit: LoraMisfit) => Error
}

/**
 * A weight with all changes in it, as nodes. Values between stay in memory until the graph is rewritten, so there are few: all plain
 * pairs together are one matrix product, added to the weight on the way.
 */
export function mergedWeight(graph: Graph, tensor: StoredTensor, changes: readonly LoraChange[]): Value {
  const { dims } = tensor
  const pairs: (readonly [up: Value, down: Value])[] = []
  const others: LoraChange[] = []
  for (const change of changes) {
    const { module, factor } = change
    const pair = module.tensors.has('magnitude') ? undefined : refusing(change, () => lowRankPair(graph, module, dims))
    if (pair === undefined) others.push(change)
    else pairs.push([times(graph, pair.up, factor * pair.scale), pair.down])
  }
  let merged = graph.toFloat(graph.stored(pairs.length === 0 ? tensor : asMatrix(tensor)))
  if (pairs.length > 0) {
    const joined = (side: 0 | 1): Value =>
      pairs.length === 1
        ? pairs[0]![side]
        : graph.node(
            'Concat',
            pairs.map((pair) => pair[side]),
            { axis: 1 - side },
          )
    merged = graph.node('Gemm', [joined(0), joined(1), merged])
    if (dims.length !== 2) merged = graph.node('Reshape', [merged, graph.ints(dims)])
  }
  for (const change of others) merged = refusing(change, () => changedBy(graph, merged, change, dims))
  return merged
}

/** A bias with all whole differences in it; undefined where there are none. */
export function mergedBias(graph: Graph, tensor: StoredTensor, changes: readonly LoraChange[]): Value | undefined {
  let merged: Value | undefined
  for (const change of changes) {
    const difference = change.module.tensors.get('biasDifference')
    if (difference === undefined) continue
    const delta = refusing(change, () => wholeDifference(graph, difference, tensor.dims))
    merged = graph.node('Add', [merged ?? graph.toFloat(graph.stored(tensor)), times(graph, delta, change.factor)])
  }
  return merged
}

function refusing<T>({ refuse }: LoraChange, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof LoraMisfit ? refuse(error) : error
  }
}

function asMatrix(tensor: StoredTensor): StoredTensor {
  const [rows = 1, ...rest] = tensor.dims
  return { ...tensor, dims: [rows, rest.reduce((product, side) => product * side, 1)] }
}

function changedBy(graph: Graph, from: Value, { module, factor }: LoraChange, dims: readonly number[]): Value {
  const magnitude = module.tensors.get('magnitude')
  const delta = loraDelta(graph, module, dims)
  if (magnitude !== undefined) return decomposed(graph, { from, delta, magnitude, factor }, dims)
  return graph.node('Add', [from, times(graph, delta, factor)])
}

interface Decomposed {
  readonly from: Value
  readonly delta: Value
  readonly magnitude: StoredTensor
  readonly factor: number
}

/**
 * DoRA: the changed weight with its rows (or, as older LyCORIS files have it, columns) brought to learned lengths. A factor
 * goes that part of the way from the weight as it was.
 *
 * @see Liu et al. 2024, arXiv:2402.09353
 */
function decomposed(graph: Graph, { from, delta, magnitude, factor }: Decomposed, dims: readonly number[]): Value {
  const length = magnitude.dims.reduce((product, side) => product * side, 1)
  const axis = magnitude.dims.length < 2 || magnitude.dims[0] === dims[0] ? 0 : 1
  if (length !== dims[axis]) throw new LoraMisfit(`scaled by [${magnitude.dims.join(', ')}]`)
  const moved = graph.node('Add', [from, delta])
  const axes = dims.map((_, i) => i).filter((i) => i !== axis)
  const lengths = graph.node('ReduceL2', [moved, graph.ints(axes)], { keepdims: 1 })
  const wanted = graph.node('Reshape', [
    graph.toFloat(graph.stored(magnitude)),
    graph.ints(dims.map((side, i) => (i === axis ? side : 1))),
  ])
  const whole = graph.node('Mul', [moved, graph.node('Div', [wanted, lengths])])
  if (factor === 1) return whole
  return graph.node('Add', [from, times(graph, graph.node('Sub', [whole, from]), factor)])
}

function times(graph: Graph, x: Value, factor: number): Value {
  return factor === 1 ? x : graph.node('Mul', [x, graph.scalar(factor)])
}
