import { closeSync, openSync, readSync } from 'node:fs'
import { OfgenError } from '../../errors.ts'
import type { ElementType, StoredTensor } from '../../onnx/graph.ts'

/** Where a tensor lies in its file. */
export interface TensorEntry {
  /** As safetensors names it: F32, BF16, I64. */
  readonly dtype: string
  readonly dims: readonly number[]
  /** Bytes from the start of the file. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

/** The table of contents of a file of weights. */
export interface TensorFile {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly tensors: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
}

/** The dtypes that networks are built from, and what ONNX calls them. */
const floatTypes: Readonly<Record<string, ElementType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8e4m3',
  F8_E5M2: 'float8e5m2',
  F64: 'float64',
}

/** Reads one tensor into memory as floats. Meant for small ones. @throws OfgenError model_invalid for whole-number types. */
export function readTensor(file: TensorFile, name: string): Float32Array {
  const entry = file.tensors.get(name)
  if (entry === undefined) throw new OfgenError('model_invalid', `${file.path} has no tensor "${name}".`)
  const bytes = new Uint8Array(entry.length)
  withFile(file.path, (fd) => readFully(fd, bytes, entry.offset))
  const floats = floatsOf(bytes, entry.dtype)
  if (floats !== undefined) return floats
  throw new OfgenError(
    'model_invalid',
    `${file.path}: tensor "${name}" has type ${entry.dtype}; accepted are ${Object.keys(floatTypes).join(', ')}.`,
  )
}

/** Stored numbers as floats; undefined for types that networks are not built from. `bytes` begin a buffer of their own. */
export function floatsOf(bytes: Uint8Array<ArrayBuffer>, dtype: string): Float32Array | undefined {
  const { buffer, length } = bytes
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, 0, length / 4)
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, 0, length / 8))
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer, 0, length / 2), halfToFloat)
    case 'BF16':
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer, 0, length / 2), (half) => half << 16).buffer)
    case 'F8_E5M2':
      return Float32Array.from(bytes, (byte) => halfToFloat(byte << 8))
    case 'F8_E4M3':
      return Float32Array.from(bytes, e4m3ToFloat)
    default:
      return undefined
  }
}

/** For a graph that points into the file. @throws OfgenError model_invalid if the runtime cannot compute with its type. */
export function storedTensor(file: TensorFile, name: string): StoredTensor | undefined {
  const entry = file.tensors.get(name)
  if (entry === undefined) return undefined
  const type = floatTypes[entry.dtype]
  if (type === undefined)
    throw new OfgenError(
      'model_invalid',
      `${file.path}: tensor "${name}" has type ${entry.dtype}; accepted are ${Object.keys(floatTypes).join(', ')}.`,
    )
  return { file: file.path, offset: entry.offset, length: entry.length, type, dims: entry.dims }
}

function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** Exponents -6 to 8, no infinities: Micikevicius et al. 2022, arXiv:2209.05433. */
function e4m3ToFloat(byte: number): number {
  const sign = byte & 0x80 ? -1 : 1
  const exponent = (byte >> 3) & 15
  const fraction = byte & 7
  if (exponent === 15 && fraction === 7) return NaN
  if (exponent === 0) return sign * fraction * 2 ** -9
  return sign * (1 + fraction / 8) * 2 ** (exponent - 7)
}

/** Opens a file for reading and closes it again. @throws OfgenError model_missing. */
export function withFile<T>(path: string, work: (fd: number) => T): T {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    throw new OfgenError('model_missing', `The weights ${path} cannot be opened.`, { cause })
  }
  try {
    return work(fd)
  } finally {
    closeSync(fd)
  }
}

export function readFully(fd: number, target: Uint8Array, position: number): void {
  let done = 0
  while (done < target.length) {
    const count = readSync(fd, target, done, target.length - done, position + done)
    if (count === 0) throw new OfgenError('model_invalid', `A weights file ended ${target.length - done} bytes too early.`)
    done += count
  }
}
