import type { Graph, StoredTensor, Value } from '../../onnx/graph.ts'
import type { LoraModule } from './lora-file.ts'
import type { LoraSlot } from './lora-keys.ts'

/** Why a module cannot change a weight: the dimensions it would fit, or what it lacks. */
export class LoraMisfit extends Error {}

/**
 * What a module adds to a weight of `dims`, as nodes: `alpha / rank * up down` and its kin.
 *
 * Convolutions are taken as matrices of `[out, in * kernel * kernel]`. LoHa is the product, value by value, of two such matrices,
 * LoKr the Kronecker product of a small one and another.
 *
 * @throws LoraMisfit if the module does not make a weight of these dimensions.
 * @see Hu et al. 2021, arXiv:2106.09685; Hyeon-Woo et al. 2021, arXiv:2108.06098; Yeh et al. 2023, arXiv:2309.14859 (LyCORIS)
 */
export function loraDelta(graph: Graph, module: LoraModule, dims: readonly number[]): Value {
  const { tensors } = module
  if (tensors.has('difference')) return wholeDifference(graph, tensors.get('difference')!, dims)
  if (tensors.has('hada_w1_a')) return hadamard(graph, module, dims)
  if (tensors.has('lokr_w1') || tensors.has('lokr_w1_a')) return kronecker(graph, module, dims)
  return lowRank(graph, module, dims)
}

/** A difference of a whole tensor. */
export function wholeDifference(graph: Graph, tensor: StoredTensor, dims: readonly number[]): Value {
  if (count(tensor.dims) !== count(dims) || tensor.dims[0] !== dims[0]) throw new LoraMisfit(`[${tensor.dims.join(', ')}]`)
  return stored(graph, tensor, dims)
}

/** A plain pair as matrices: what it adds is `scale` times their product. */
export interface LowRankPair {
  /** `[out, rank]` */
  readonly up: Value
  /** `[rank, in * kernel * kernel]` */
  readonly down: Value
  readonly scale: number
}

/** The pair of a module that is nothing but one; undefined for other forms. @throws LoraMisfit as `loraDelta`. */
export function lowRankPair(graph: Graph, module: LoraModule, dims: readonly number[]): LowRankPair | undefined {
  const { tensors } = module
  if (['mid', 'difference', 'hada_w1_a', 'lokr_w1', 'lokr_w1_a'].some((slot) => tensors.has(slot as LoraSlot))) return undefined
  const up = part(module, 'up')
  const down = part(module, 'down')
  const rank = down.dims[0]!
  const makes = [up.dims[0]!, ...down.dims.slice(1)]
  if (up.dims[1] !== rank || makes[0] !== dims[0] || count(makes) !== count(dims)) throw new LoraMisfit(`[${makes.join(', ')}]`)
  return {
    up: stored(graph, up, [makes[0]!, rank]),
    down: stored(graph, down, [rank, count(makes.slice(1))]),
    scale: (module.alpha ?? rank) / rank,
  }
}

function lowRank(graph: Graph, module: LoraModule, dims: readonly number[]): Value {
  const pair = lowRankPair(graph, module, dims)
  if (pair !== undefined) return scaled(graph, product(graph, pair.up, pair.down), pair.scale, dims)
  const [up, down, mid] = [part(module, 'up'), part(module, 'down'), part(module, 'mid')]
  const makes = [up.dims[0]!, down.dims[1]!, ...mid.dims.slice(2)]
  if (up.dims[1] !== mid.dims[0] || down.dims[0] !== mid.dims[1] || makes[0] !== dims[0] || count(makes) !== count(dims))
    throw new LoraMisfit(`[${makes.join(', ')}]`)
  const core = stored(graph, mid, [mid.dims[0]!, mid.dims[1]!, count(mid.dims.slice(2))])
  const sides = [stored(graph, up, up.dims.slice(0, 2)), stored(graph, down, down.dims.slice(0, 2))]
  const rank = down.dims[0]!
  return scaled(
    graph,
    graph.node('Einsum', [core, ...sides], { equation: 'nmk,in,mj->ijk' }),
    (module.alpha ?? rank) / rank,
    dims,
  )
}

function hadamard(graph: Graph, module: LoraModule, dims: readonly number[]): Value {
  const half = (n: 1 | 2): Value => {
    const a = part(module, `hada_w${n}_a`)
    const b = part(module, `hada_w${n}_b`)
    const core = module.tensors.get(`hada_t${n}`)
    if (core === undefined) {
      if (a.dims[0] !== dims[0] || a.dims[1] !== b.dims[0] || b.dims[1] !== count(dims.slice(1)))
        throw new LoraMisfit(`[${a.dims[0]}, ${b.dims[1]}]`)
      return product(graph, stored(graph, a, a.dims), stored(graph, b, b.dims))
    }
    if (a.dims[1] !== dims[0] || b.dims[1]! * count(core.dims.slice(2)) !== count(dims.slice(1)))
      throw new LoraMisfit(`[${a.dims[1]}, ${b.dims[1]}, ${core.dims.slice(2).join(', ')}]`)
    const flat = stored(graph, core, [core.dims[0]!, core.dims[1]!, count(core.dims.slice(2))])
    return graph.node('Reshape', [
      graph.node('Einsum', [flat, stored(graph, a, a.dims), stored(graph, b, b.dims)], { equation: 'ijk,ir,js->rsk' }),
      graph.ints([dims[0]!, -1]),
    ])
  }
  const rank = part(module, 'hada_w1_b').dims[0]!
  return scaled(graph, graph.node('Mul', [half(1), half(2)]), (module.alpha ?? rank) / rank, dims)
}

function kronecker(graph: Graph, module: LoraModule, dims: readonly number[]): Value {
  const { tensors } = module
  let rank: number | undefined
  const first = tensors.get('lokr_w1')
  let small: Value
  let sides: readonly number[]
  if (first === undefined) {
    const [a, b] = [part(module, 'lokr_w1_a'), part(module, 'lokr_w1_b')]
    rank = b.dims[0]!
    sides = [a.dims[0]!, b.dims[1]!]
    small = product(graph, stored(graph, a, a.dims), stored(graph, b, b.dims))
  } else {
    sides = first.dims
    small = stored(graph, first, first.dims)
  }
  const second = tensors.get('lokr_w2')
  const core = tensors.get('lokr_t2')
  let large: Value
  let rows: number
  let values: number
  if (second !== undefined) {
    rows = second.dims[0]!
    values = count(second.dims)
    large = stored(graph, second, second.dims)
  } else {
    const [a, b] = [part(module, 'lokr_w2_a'), part(module, 'lokr_w2_b')]
    rank = b.dims[0]!
    if (core === undefined) {
      rows = a.dims[0]!
      values = rows * count(b.dims.slice(1))
      large = product(graph, stored(graph, a, a.dims), stored(graph, b, [b.dims[0]!, count(b.dims.slice(1))]))
    } else {
      rows = a.dims[1]!
      values = rows * b.dims[1]! * count(core.dims.slice(2))
      const flat = stored(graph, core, [core.dims[0]!, core.dims[1]!, count(core.dims.slice(2))])
      large = graph.node('Einsum', [flat, stored(graph, a, a.dims), stored(graph, b, b.dims)], { equation: 'ijk,ir,js->rsk' })
    }
  }
  const [l, m] = [sides[0]!, sides[1]!]
  const kernel = count(dims.slice(2))
  const columns = values / rows / kernel
  if (l * rows !== dims[0] || m * columns !== dims[1]) throw new LoraMisfit(`[${l * rows}, ${m * columns}]`)
  const spread = graph.node('Mul', [
    graph.node('Reshape', [small, graph.ints([l, 1, m, 1, 1])]),
    graph.node('Reshape', [large, graph.ints([1, rows, 1, columns, kernel])]),
  ])
  // Where neither is split there is no rank, and alpha means nothing.
  return scaled(graph, spread, rank === undefined ? 1 : (module.alpha ?? rank) / rank, dims)
}

function product(graph: Graph, a: Value, b: Value): Value {
  return graph.node('MatMul', [a, b])
}

/** A tensor as floats; dimensions are only what is read into the same bytes. */
function stored(graph: Graph, tensor: StoredTensor, dims: readonly number[]): Value {
  return graph.toFloat(graph.stored({ ...tensor, dims }))
}

function scaled(graph: Graph, x: Value, factor: number, dims: readonly number[]): Value {
  const flat = factor === 1 ? x : graph.node('Mul', [x, graph.scalar(factor)])
  return graph.node('Reshape', [flat, graph.ints(dims)])
}

function part({ tensors }: LoraModule, slot: LoraSlot): StoredTensor {
  const tensor = tensors.get(slot)
  if (tensor === undefined) throw new LoraMisfit(`incomplete, it has no ${slot}`)
  return tensor
}

function count(dims: readonly number[]): number {
  return dims.reduce((product, side) => product * side, 1)
}
