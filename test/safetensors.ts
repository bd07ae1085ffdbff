import { readFileSync, writeFileSync } from 'node:fs'
import type { WeightSource } from '../src/onnx/scope.ts'
import type { Tensor } from '../src/onnx/tensor.ts'
import { openSafetensors } from '../src/stable-diffusion/checkpoint/safetensors.ts'
import type { TensorEntry } from '../src/stable-diffusion/checkpoint/tensor-file.ts'
import { weightsOf } from '../src/stable-diffusion/checkpoint/weights.ts'

export interface TensorToWrite {
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2' | 'I64' | 'I32' | 'U8'
  readonly dims: readonly number[]
  readonly data: Float32Array | Uint16Array | BigInt64Array | Uint8Array
}

/** Writes a `.safetensors` file. */
export function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata?: Readonly<Record<string, string>>,
): void {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata }
  let end = 0
  for (const [name, { dtype, dims, data }] of Object.entries(tensors))
    header[name] = { dtype, shape: dims, data_offsets: [end, (end += data.byteLength)] }
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const parts = Object.values(tensors).map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  writeFileSync(path, Buffer.concat([length, json, ...parts]))
}

/** Floats as 16-bit floats, rounded to nearest, ties to even. */
export function toHalf(values: Float32Array): Uint16Array {
  const word = new Uint32Array(1)
  const float = new Float32Array(word.buffer)
  return Uint16Array.from(values, (value) => {
    float[0] = value
    const sign = (word[0]! >>> 16) & 0x8000
    const magnitude = Math.abs(value)
    if (magnitude >= 65520) return sign | 0x7c00
    if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24)
    const exponent = Math.floor(Math.log2(magnitude))
    return sign | (((exponent + 15) << 10) + roundEven((magnitude / 2 ** exponent - 1) * 1024))
  })
}

/** Floats as bfloat16, cut off. */
export function toBrain(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (word) => word >>> 16)
}

function roundEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** A file of golden numbers: every tensor by its name. Bytes come as int32, whole numbers as int64. */
export function readGolden(path: string): (name: string) => Tensor {
  const file = openSafetensors(path)
  const bytes = readFileSync(path)
  return (name) => {
    const entry = file.tensors.get(name)
    if (entry === undefined) throw new Error(`${path} has no ${name}; it has ${[...file.tensors.keys()].join(', ')}.`)
    return { dims: entry.dims, data: decode(entry, bytes) }
  }
}

function decode(entry: TensorEntry, bytes: Buffer): Tensor['data'] {
  const part = bytes.buffer.slice(bytes.byteOffset + entry.offset, bytes.byteOffset + entry.offset + entry.length)
  if (entry.dtype === 'F32') return new Float32Array(part)
  if (entry.dtype === 'I64') return new BigInt64Array(part)
  if (entry.dtype === 'I32') return new Int32Array(part)
  if (entry.dtype === 'U8') return Int32Array.from(new Uint8Array(part))
  throw new Error(`Goldens of type ${entry.dtype} are not read.`)
}

/** Largest difference between two lists of numbers. @throws Error if their lengths differ or one has NaN. */
export function maxDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers where ${expected.length} are expected.`)
  let max = 0
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!)
    if (!(difference <= max)) max = difference
    if (Number.isNaN(max)) throw new Error(`Not a number at ${i}.`)
  }
  return max
}

/** Writes a `.safetensors` file and opens it as a network's weights. */
export function writtenWeights(path: string, tensors: Readonly<Record<string, TensorToWrite>>): WeightSource {
  writeSafetensors(path, tensors)
  return weightsOf([openSafetensors(path)])
}
