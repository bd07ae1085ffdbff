import { nodeMessage, type Attribute } from './graph.ts'
import { ProtobufWriter } from './protobuf.ts'
import { protobufFields } from './protobuf-reader.ts'

/**
 * The same model with every fused attention written out as products and a softmax, for providers that have no such operator
 * or compute it wrongly. The operators are those that {@link attention} writes, with their scale.
 *
 * @throws RangeError if the bytes are no model.
 */
export function plainAttention(model: Uint8Array): Uint8Array {
  const out = new ProtobufWriter()
  for (const { field, value, bytes } of protobufFields(model)) {
    if (field === 7) out.message(7, plainGraph(bytes))
    else if (bytes.length > 0) out.bytes(field, bytes)
    else out.int(field, value)
  }
  return out.finish()
}

function plainGraph(graph: Uint8Array): ProtobufWriter {
  const out = new ProtobufWriter()
  for (const { field, value, bytes } of protobufFields(graph)) {
    const fused = field === 1 ? readAttention(bytes) : undefined
    if (fused !== undefined) for (const node of writtenOut(fused)) out.message(1, node)
    else if (bytes.length > 0) out.bytes(field, bytes)
    else out.int(field, value)
  }
  return out
}

interface FusedAttention {
  readonly inputs: readonly string[]
  readonly output: string
  readonly heads: number
  readonly scale: number
  readonly causal: boolean
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

/** The node, if it is a fused attention. */
function readAttention(node: Uint8Array): FusedAttention | undefined {
  const inputs: string[] = []
  const numbers = new Map<string, number>()
  let [output, op] = ['', '']
  for (const { field, bytes } of protobufFields(node)) {
    if (field === 1) inputs.push(text(bytes))
    else if (field === 2) output ||= text(bytes)
    else if (field === 4) op = text(bytes)
    else if (field === 5) {
      const parts = [...protobufFields(bytes)]
      const name = parts.find((part) => part.field === 1)
      const float = parts.find((part) => part.field === 2)
      const whole = parts.find((part) => part.field === 3)
      const number =
        float === undefined ? whole?.value : new DataView(float.bytes.buffer, float.bytes.byteOffset).getFloat32(0, true)
      if (name !== undefined && number !== undefined) numbers.set(text(name.bytes), number)
    }
  }
  const [heads, scale] = [numbers.get('num_heads'), numbers.get('scale')]
  if (op !== 'MultiHeadAttention' || heads === undefined || scale === undefined || inputs.length !== 3) return undefined
  return { inputs, output, heads, scale, causal: numbers.get('unidirectional') === 1 }
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
