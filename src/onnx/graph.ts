import { parse, resolve } from 'node:path'
import { ProtobufWriter } from './protobuf.ts'

/** Element types by their number in ONNX. */
export const elementTypes = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  float8e4m3: 17,
  float8e5m2: 19,
} as const
export type ElementType = keyof typeof elementTypes

/** How an absolute path is named where the engine looks for weights from the root of the file system. */
export function rootRelative(path: string): string {
  return path.slice(parse(path).root.length)
}

/** Handle of a tensor inside a graph: what nodes take and give. */
export type Value = string & { readonly graphValue: unique symbol }

/** A side of a tensor: a number, or a name for one that is known only at run time; equal names are equal sides. */
export type Dimension = number | string

/** Whole numbers are written as int, `{ float }` as float, lists as ints. */
export type Attribute = number | string | readonly number[] | { readonly float: number }

/** A constant that lies in a file and is mapped or read when the graph is loaded. */
export interface StoredTensor {
  readonly file: string
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
  readonly type: ElementType
  readonly dims: readonly number[]
}

/**
 * Builds an ONNX model (opset 21, IR 10, with the com.microsoft operators).
 *
 * Constants are inline or stay in their file. Paths are written relative to the root of the file system, where the
 * engine looks for them: any file can be used, several in one graph, symbolic links included.
 */
export class Graph {
  /** The graph itself; constants always go here, where every branch sees them. */
  private readonly root = new ProtobufWriter()
  /** Where nodes go: the graph or the branch under construction. */
  private body = this.root
  private readonly constants = new Map<string, Value>()
  private count = 0

  constructor(name: string) {
    this.root.string(2, name)
  }

  input(name: string, type: ElementType, dims: readonly Dimension[]): Value {
    this.root.message(11, valueInfo(name, type, dims))
    return name as Value
  }

  /** Names `value` as a result of the graph; callers read it under `name`. */
  output(name: string, value: Value, type: ElementType, dims: readonly Dimension[]): void {
    this.emit('Identity', [value], {}, [name])
    this.root.message(12, valueInfo(name, type, dims))
  }

  /** Adds a node with one result. An `undefined` input is an optional one that is left out. */
  node(op: string, inputs: readonly (Value | undefined)[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.nodes(op, inputs, attributes, 1)[0]!
  }

  /** Adds a node with `results` results. */
  nodes(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>>,
    results: number,
  ): Value[] {
    const id = this.count
    const outputs = Array.from({ length: results }, (_, i) => `${op}_${id}${i === 0 ? '' : `_${i}`}`)
    this.emit(op, inputs, attributes, outputs)
    return outputs as Value[]
  }

  /** A list of whole numbers: the shape of a Reshape, axes. */
  ints(values: readonly number[]): Value {
    return this.constant(`ints ${values.join(' ')}`, () => ({
      type: 'int64',
      dims: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }))
  }

  scalar(value: number): Value {
    return this.constant(`scalar ${value}`, () => ({ type: 'float32', dims: [], data: Float32Array.of(value) }))
  }

  floats(data: Float32Array, dims: readonly number[]): Value {
    return this.add({ type: 'float32', dims, data })
  }

  /** `count` times the same number, one tensor for all who ask. */
  filled(value: number, count: number): Value {
    return this.constant(`filled ${value} ${count}`, () => ({
      type: 'float32',
      dims: [count],
      data: new Float32Array(count).fill(value),
    }))
  }

  /** A tensor in a file, in the type it is stored in. Asking twice gives the same constant. */
  stored(tensor: StoredTensor): Value {
    const path = resolve(tensor.file)
    const key = `stored ${path} ${tensor.offset} ${tensor.type} ${tensor.dims.join(' ')}`
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const value = `stored_${this.count++}` as Value
    const message = tensorHead(value, tensor.type, tensor.dims)
    const location = {
      location: rootRelative(path),
      offset: String(tensor.offset),
      length: String(tensor.length),
    }
    for (const [name, text] of Object.entries(location)) message.message(13, new ProtobufWriter().string(1, name).string(2, text))
    message.int(14, 1)
    this.root.message(5, message)
    this.constants.set(key, value)
    return value
  }

  /** The same numbers as float32; costs nothing at run time where `value` is a constant. */
  toFloat(value: Value): Value {
    const key = `float ${value}`
    let float = this.constants.get(key)
    if (float === undefined) {
      float = this.outside(() => this.node('Cast', [value], { to: elementTypes.float32 }))
      this.constants.set(key, float)
    }
    return float
  }

  /**
   * Only one of two ways to a result is computed, as `condition` (one bool) says at run time. Values made inside a way
   * are not known outside of it.
   */
  branch(condition: Value, whenTrue: () => Value, whenFalse: () => Value): Value {
    const id = this.count++
    const branches: [string, () => Value][] = [
      ['then_branch', whenTrue],
      ['else_branch', whenFalse],
    ]
    const node = new ProtobufWriter().string(1, condition).string(2, `If_${id}`).string(3, `If_${id}`).string(4, 'If')
    for (const [name, make] of branches) {
      const outer = this.body
      const body = (this.body = new ProtobufWriter().string(2, `${name}_${id}`))
      const result = make()
      this.body = outer
      body.message(12, new ProtobufWriter().string(1, result))
      node.message(5, new ProtobufWriter().string(1, name).message(6, body).int(20, 5))
    }
    this.body.message(1, node)
    return `If_${id}` as Value
  }

  /** Adds what `make` makes to the graph itself, also from inside a branch. It may only use what is known there. */
  private outside<T>(make: () => T): T {
    const inner = this.body
    this.body = this.root
    try {
      return make()
    } finally {
      this.body = inner
    }
  }

  /** The model as the runtime reads it. */
  toModel(): Uint8Array {
    const model = new ProtobufWriter().int(1, 10).string(2, 'ofgen').message(7, this.root)
    model.message(8, new ProtobufWriter().string(1, '').int(2, 21))
    model.message(8, new ProtobufWriter().string(1, 'com.microsoft').int(2, 1))
    return model.finish()
  }

  private emit(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: readonly string[],
  ): void {
    this.body.message(1, nodeMessage(op, inputs, attributes, outputs, `${op}_${this.count++}`))
  }

  private constant(key: string, make: () => InlineTensor): Value {
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const value = this.add(make())
    this.constants.set(key, value)
    return value
  }

  private add({ type, dims, data }: InlineTensor): Value {
    const value = `constant_${this.count++}` as Value
    const message = tensorHead(value, type, dims)
    message.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    this.root.message(5, message)
    return value
  }
}

interface InlineTensor {
  readonly type: ElementType
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array
}

const contribOps: ReadonlySet<string> = new Set(['MultiHeadAttention'])

/** The beginning of a constant as it stands in a graph's message: all but its numbers. */
export function tensorHead(name: string, type: ElementType, dims: readonly number[]): ProtobufWriter {
  const message = new ProtobufWriter()
  if (dims.length > 0) message.packedInts(1, dims)
  return message.int(2, elementTypes[type]).string(8, name)
}

/** A node as it stands in a graph's message. */
export function nodeMessage(
  op: string,
  inputs: readonly (string | undefined)[],
  attributes: Readonly<Record<string, Attribute>>,
  outputs: readonly string[],
  name: string,
): ProtobufWriter {
  const node = new ProtobufWriter()
  for (const input of inputs) node.string(1, input ?? '')
  for (const output of outputs) node.string(2, output)
  node.string(3, name).string(4, op)
  for (const [name, value] of Object.entries(attributes)) node.message(5, attributeMessage(name, value))
  if (contribOps.has(op)) node.string(7, 'com.microsoft')
  return node
}

function attributeMessage(name: string, value: Attribute): ProtobufWriter {
  const message = new ProtobufWriter().string(1, name)
  if (typeof value === 'string') return message.string(4, value).int(20, 3)
  if (typeof value === 'number') return message.int(3, value).int(20, 2)
  if ('float' in value) return message.float(2, value.float).int(20, 1)
  return message.packedInts(8, value).int(20, 7)
}

/** An input or result as it stands in a graph's message; without sides where they are not known. */
export function valueInfo(name: string, type: ElementType, dims: readonly Dimension[] | undefined): ProtobufWriter {
  const shape = new ProtobufWriter()
  for (const side of dims ?? []) {
    const dimension = new ProtobufWriter()
    if (typeof side === 'number') dimension.int(1, side)
    else dimension.string(2, side)
    shape.message(1, dimension)
  }
  const tensor = new ProtobufWriter().int(1, elementTypes[type])
  if (dims !== undefined) tensor.message(2, shape)
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor))
}
