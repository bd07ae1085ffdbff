import { nodeMessage, type Attribute } from './graph.ts'
import { ProtobufWriter } from './protobuf.ts'
import { protobufFields } from './protobuf-reader.ts'
import type { Device } from './session-host.ts'

/**
 * A model as a device computes it rightly, the same numbers by other operators:
 * - the fused attention is written out as products and a softmax where it is missing (Core ML) or gives wrong numbers (WebGPU);
 * - a convolution padded on its far sides only, which WebGPU leaves unpadded where kernel and map are equally large, pads first.
 *
 * @throws RangeError if the bytes are no model.
 */
export function graphFor(device: Device, model: Uint8Array): Uint8Array {
  if (device !== 'webgpu' && device !== 'coreml') return model
  const out = new ProtobufWriter()
  for (const { field, bytes, raw } of protobufFields(model)) {
    if (field === 7) out.message(7, rewritten(bytes))
    else out.raw(raw)
  }
  return out.finish()
}

/** A graph, and those of the branches in its nodes. */
function rewritten(graph: Uint8Array): ProtobufWriter {
  const out = new ProtobufWriter()
  for (const { field, bytes, raw } of protobufFields(graph)) {
    if (field === 1) for (const node of nodesFor(readNode(bytes))) out.message(1, node)
    else out.raw(raw)
  }
  return out
}

interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes: ReadonlyMap<string, NodeAttribute>
  readonly bytes: Uint8Array
}

interface NodeAttribute {
  readonly int: number | undefined
  readonly float: number | undefined
  readonly ints: readonly number[]
  readonly graph: Uint8Array | undefined
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

function readNode(bytes: Uint8Array): Node {
  const inputs: string[] = []
  const attributes = new Map<string, NodeAttribute>()
  let [output, op] = ['', '']
  for (const part of protobufFields(bytes)) {
    if (part.field === 1) inputs.push(text(part.bytes))
    else if (part.field === 2) output ||= text(part.bytes)
    else if (part.field === 4) op = text(part.bytes)
    else if (part.field === 5) {
      const fields = [...protobufFields(part.bytes)]
      const of = (number: number): Uint8Array | undefined => fields.find(({ field }) => field === number)?.bytes
      const float = of(2)
      attributes.set(text(of(1) ?? new Uint8Array()), {
        int: fields.find(({ field }) => field === 3)?.value,
        float: float === undefined ? undefined : new DataView(float.buffer, float.byteOffset).getFloat32(0, true),
        ints: [...(of(8) ?? [])],
        graph: of(6),
      })
    }
  }
  return { op, inputs, output, attributes, bytes }
}

function nodesFor(node: Node): ProtobufWriter[] {
  const { op, inputs, output, attributes } = node
  if (op === 'If') return [withBranches(node)]
  if (op === 'Conv') {
    // Numbers below 128 take a byte each in the file.
    const pads = attributes.get('pads')?.ints ?? []
    const [top = 0, left = 0, bottom = 0, right = 0] = pads
    if (pads.length === 4 && top + left === 0 && bottom + right > 0) return paddedFirst(node, bottom, right)
  }
  if (op === 'MultiHeadAttention') {
    const [heads, scale] = [attributes.get('num_heads')?.int, attributes.get('scale')?.float]
    if (heads !== undefined && scale !== undefined && inputs.length === 3)
      return writtenOut({ inputs, output, heads, scale, causal: attributes.get('unidirectional')?.int === 1 })
  }
  return [new ProtobufWriter().raw(node.bytes)]
}

function withBranches({ bytes }: Node): ProtobufWriter {
  const out = new ProtobufWriter()
  for (const part of protobufFields(bytes)) {
    if (part.field !== 5) {
      out.raw(part.raw)
      continue
    }
    const attribute = new ProtobufWriter()
    for (const { field, bytes, raw } of protobufFields(part.bytes)) {
      if (field === 6) attribute.message(6, rewritten(bytes))
      else attribute.raw(raw)
    }
    out.message(5, attribute)
  }
  return out
}

function paddedFirst({ inputs, output, attributes }: Node, bottom: number, right: number): ProtobufWriter[] {
  const [x, ...weights] = inputs
  const [sides, padded] = [`${output}_sides`, `${output}_padded`]
  const kept = [...attributes].flatMap(([name, { ints, int }]): [string, Attribute][] =>
    name === 'pads' ? [] : ints.length > 0 ? [[name, ints]] : int === undefined ? [] : [[name, int]],
  )
  return [
    nodeMessage('Constant', [], { value_ints: [0, 0, 0, 0, 0, 0, bottom, right] }, [sides], `${sides}_node`),
    nodeMessage('Pad', [x, sides], {}, [padded], `${padded}_node`),
    nodeMessage('Conv', [padded, ...weights], Object.fromEntries(kept), [output], `${output}_node`),
  ]
}

interface FusedAttention {
  readonly inputs: readonly string[]
  readonly output: string
  readonly heads: number
  readonly scale: number
  readonly causal: boolean
}

function writtenOut({ inputs, output, heads, scale, causal }: FusedAttention): ProtobufWriter[] {
  const nodes: ProtobufWriter[] = []
  let count = 0
  const node = (
    op: string,
    from: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    to = `${output}_plain_${count++}`,
  ): string => {
    nodes.push(nodeMessage(op, from, attributes, [to], `${to}_node`))
    return to
  }
  const ints = (values: readonly number[]): string => node('Constant', [], { value_ints: values })
  const float = (value: number): string => node('Constant', [], { value_float: { float: value } })
  const split = (x: string, perm: readonly number[]): string =>
    node('Transpose', [node('Reshape', [x, ints([0, 0, heads, -1])])], { perm })
  const [query, key, value] = [split(inputs[0]!, [0, 2, 1, 3]), split(inputs[1]!, [0, 2, 3, 1]), split(inputs[2]!, [0, 2, 1, 3])]
  let scores = node('MatMul', [node('Mul', [query, float(scale)]), key])
  if (causal) {
    const full = node('Expand', [float(-1e9), node('Shape', [scores], { start: 2 })])
    const one = node('Squeeze', [ints([1])])
    scores = node('Add', [scores, node('Trilu', [full, one], { upper: 1 })])
  }
  const seen = node('MatMul', [node('Softmax', [scores], { axis: -1 }), value])
  node('Reshape', [node('Transpose', [seen], { perm: [0, 2, 1, 3] }), ints([0, 0, -1])], {}, output)
  return nodes
}
