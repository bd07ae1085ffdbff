import { OfgenError } from '../errors.ts'
import { elementTypes, type Graph, type StoredTensor, type Value } from './graph.ts'

/** Where a network's weights come from. */
export interface WeightSource {
  /** What to call the source in messages, usually a path. */
  readonly title: string
  /** What a weight is called in the source itself, for messages; by default as it is asked for. */
  nameOf?(name: string): string
  has(name: string): boolean
  /**
   * The tensor of that name, undefined if there is none. `dims` is what the network expects, for sources that keep the
   * same numbers in other dimensions; the result may differ and is then refused.
   */
  find(name: string, dims: readonly number[]): StoredTensor | undefined
  /**
   * What takes the place of a weight: nodes that are computed once, when the graph is loaded; undefined where it stays as it is.
   *
   * @param tensor As `find` gives it. @returns Float32 of its dimensions.
   */
  change?(graph: Graph, name: string, tensor: StoredTensor): Value | undefined
}

/** A place in a network: the graph under construction and the weights whose names begin with `path`. */
export interface Scope {
  readonly graph: Graph
  readonly path: string
  /** The place one level below. */
  at(name: string): Scope
  has(name: string): boolean
  /** A weight as float32. @throws OfgenError model_invalid if it is missing or has other dimensions. */
  weight(name: string, dims: readonly number[]): Value
  /** A weight in the type it is stored in, fp8 as float16, because operators take no fp8. @throws as `weight`. */
  stored(name: string, dims: readonly number[]): Value
}

export function scope(graph: Graph, source: WeightSource, path = ''): Scope {
  const full = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const find = (name: string, dims: readonly number[]): StoredTensor => {
    const tensor = source.find(full(name), dims)
    const called = source.nameOf?.(full(name)) ?? full(name)
    if (tensor === undefined)
      throw new OfgenError('model_invalid', `${source.title} has no tensor "${called}", which its config calls for.`, {
        hint: 'The file is incomplete, of another kind of model, or does not belong to the config.json beside it.',
      })
    if (tensor.dims.length !== dims.length || tensor.dims.some((side, i) => side !== dims[i]))
      throw new OfgenError(
        'model_invalid',
        `${source.title}: tensor "${called}" is [${tensor.dims.join(', ')}], but its config calls for [${dims.join(', ')}].`,
        { hint: 'The file does not belong to the config.json beside it.' },
      )
    return tensor
  }
  return {
    graph,
    path,
    at: (name) => scope(graph, source, full(name)),
    has: (name) => source.has(full(name)),
    stored(name, dims) {
      const tensor = find(name, dims)
      const value = graph.stored(tensor)
      return tensor.type.startsWith('float8') ? graph.node('Cast', [value], { to: elementTypes.float16 }) : value
    },
    weight(name, dims) {
      const tensor = find(name, dims)
      return source.change?.(graph, full(name), tensor) ?? graph.toFloat(graph.stored(tensor))
    },
  }
}
