import { resolve, sep } from 'node:path'
import { OfgenError } from '../errors.ts'
import { elementTypes, nodeMessage, rootRelative, tensorHead, valueInfo, type Attribute, type Dimension } from './graph.ts'
import { ProtobufWriter } from './protobuf.ts'
import { protobufFields } from './protobuf-reader.ts'

/** An input or result of a model that others exported. */
export interface Port {
  readonly name: string
  /** Number of its element type in ONNX. */
  readonly type: number
  /** undefined where it is not said. */
  readonly dims: readonly Dimension[] | undefined
}

export interface Ports {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** What a model takes and gives. @throws OfgenError model_invalid if the bytes are no ONNX model. */
export function portsOf(model: Uint8Array, path: string): Ports {
  return asModel(path, () => {
    const inputs: Port[] = []
    const outputs: Port[] = []
    const constants = new Set<string>()
    for (const { field, bytes } of protobufFields(graphOf(model)))
      if (field === 11) inputs.push(readPort(bytes))
      else if (field === 12) outputs.push(readPort(bytes))
      else if (field === 5) constants.add(nameOfTensor(bytes))
    return { inputs: inputs.filter(({ name }) => !constants.has(name)), outputs }
  })
}

/** How a graph of ours is to appear where another's has its own names and types. */
export interface Adaptation {
  /** Our inputs: name, type, and the exported input that each becomes. */
  readonly inputs: readonly { readonly name: string; readonly type: 'float32' | 'int32'; readonly port: Port }[]
  /** Our results, all float32, and the exported ones that they come from; others are left out. */
  readonly outputs: readonly { readonly name: string; readonly port: Port }[]
}

/**
 * A model that others exported, with our names and types around it: casts stand before and behind it, its weights are looked for
 * from the root of the file system, as in our own graphs.
 *
 * @param folder Where the model's file lies: its weights may lie there and below, nowhere else.
 * @throws OfgenError model_invalid if the bytes are no ONNX model, or its weights lie elsewhere.
 */
export function adaptedModel(model: Uint8Array, path: string, folder: string, { inputs, outputs }: Adaptation): Uint8Array {
  return asModel(path, () => {
    const ports = portsOf(model, path)
    // All of them: one that is left out may have the name of one of ours.
    const renamed = new Map([...ports.inputs, ...ports.outputs].map(({ name }) => [name, `exported/${name}`]))
    const graph = new ProtobufWriter()
    for (const { name, port } of inputs) for (const node of intoPort(name, port, renamed.get(port.name)!)) graph.message(1, node)
    const constants = new Set<string>()
    const old = graphOf(model)
    for (const { field, bytes } of protobufFields(old)) if (field === 5) constants.add(nameOfTensor(bytes))
    for (const { field, bytes, raw } of protobufFields(old)) {
      if (field === 1) graph.message(1, renamedNode(bytes, renamed))
      else if (field === 5) graph.message(5, withPath(bytes, path, folder))
      // Old exports list their constants as inputs too. Hints of types inside are made anew by the runtime.
      else if (field === 11 && constants.has(readPort(bytes).name)) graph.raw(raw)
      else if (field !== 11 && field !== 12 && field !== 13) graph.raw(raw)
    }
    graph.message(5, tensorHead('exported/no sides', 'int64', [0]).bytes(9, new Uint8Array(0)))
    for (const { name, port } of outputs)
      graph.message(
        1,
        nodeMessage('Cast', [renamed.get(port.name)!], { to: elementTypes.float32 }, [name], `exported/out ${name}`),
      )
    for (const { name, type, port } of inputs) graph.message(11, valueInfo(name, type, port.dims?.length === 0 ? [1] : port.dims))
    for (const { name, port } of outputs) graph.message(12, valueInfo(name, 'float32', port.dims))
    const whole = new ProtobufWriter()
    for (const { field, raw } of protobufFields(model)) {
      if (field === 7) whole.message(7, graph)
      else whole.raw(raw)
    }
    return whole.finish()
  })
}

/** Nodes that make an exported input of ours; whole numbers are rounded, single numbers lose their side. */
function intoPort(name: string, port: Port, target: string): ProtobufWriter[] {
  const nodes: ProtobufWriter[] = []
  let last = name
  const then = (op: string, more: readonly string[], attributes: Readonly<Record<string, Attribute>>, result: string): void => {
    nodes.push(nodeMessage(op, [last, ...more], attributes, [result], `exported/in ${result}`))
    last = result
  }
  const whole = port.type === elementTypes.int64 || port.type === elementTypes.int32
  if (whole && name === 'timestep') then('Round', [], {}, `${target}/rounded`)
  if (port.dims?.length === 0) then('Reshape', ['exported/no sides'], {}, `${target}/single`)
  then('Cast', [], { to: port.type }, target)
  return nodes
}

function renamedNode(node: Uint8Array, names: ReadonlyMap<string, string>): ProtobufWriter {
  const out = new ProtobufWriter()
  for (const { field, bytes, raw } of protobufFields(node)) {
    const name = field === 1 || field === 2 ? names.get(text(bytes)) : undefined
    if (name === undefined) out.raw(raw)
    else out.string(field, name)
  }
  return out
}

/** A constant whose file, if it has one, is named from the root of the file system. */
function withPath(tensor: Uint8Array, path: string, folder: string): ProtobufWriter {
  const out = new ProtobufWriter()
  for (const { field, bytes, raw } of protobufFields(tensor)) {
    const [key, value] = field === 13 ? [...protobufFields(bytes)].map((part) => text(part.bytes)) : []
    if (key !== 'location') {
      out.raw(raw)
      continue
    }
    const file = resolve(folder, value ?? '')
    if (!file.startsWith(folder + sep))
      throw new OfgenError('model_invalid', `${path} wants weights from ${value}, which lies outside of its folder.`, {
        hint: 'Take the model from where you trust it.',
      })
    out.message(13, new ProtobufWriter().string(1, 'location').string(2, rootRelative(file)))
  }
  return out
}

function graphOf(model: Uint8Array): Uint8Array {
  for (const { field, bytes } of protobufFields(model)) if (field === 7) return bytes
  throw new RangeError('It has no graph.')
}

function nameOfTensor(tensor: Uint8Array): string {
  for (const { field, bytes } of protobufFields(tensor)) if (field === 8) return text(bytes)
  return ''
}

/** ValueInfoProto: 1 name, 2 type { 1 tensor { 1 element type, 2 shape { 1 side { 1 number, 2 name } } } } */
function readPort(info: Uint8Array): Port {
  let [name, type] = ['', 0]
  let dims: Dimension[] | undefined
  for (const part of protobufFields(info)) {
    if (part.field === 1) name = text(part.bytes)
    if (part.field !== 2) continue
    for (const { bytes: tensor } of protobufFields(part.bytes))
      for (const field of protobufFields(tensor)) {
        if (field.field === 1) type = field.value
        if (field.field !== 2) continue
        dims = []
        for (const { bytes: side } of protobufFields(field.bytes)) {
          const [known] = [...protobufFields(side)]
          dims.push(known?.field === 1 ? known.value : known?.field === 2 ? text(known.bytes) : `${name}_${dims.length}`)
        }
      }
  }
  return { name, type, dims }
}

/** @throws OfgenError model_invalid in place of RangeError. */
function asModel<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new OfgenError('model_invalid', `${path} is no ONNX model, or a damaged one.`, {
      hint: 'Most often a download broke off: fetch the file again.',
      cause,
    })
  }
}
