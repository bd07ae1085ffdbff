import { fstatSync } from 'node:fs'
import { OfgenError } from '../../errors.ts'
import { readFully, withFile, type TensorEntry, type TensorFile } from './tensor-file.ts'

/** Bits of each dtype the format knows. */
const bits: Readonly<Record<string, number>> = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
}

const headerLimit = 100_000_000

/**
 * Reads and checks the header of a file; the weights themselves are not read.
 *
 * @throws OfgenError model_missing if there is no such file, model_invalid naming what is wrong with it.
 * @see https://github.com/huggingface/safetensors#format
 */
export function openSafetensors(path: string): TensorFile {
  return withFile(path, (fd) => {
    const { size } = fstatSync(fd)
    const head = Buffer.alloc(Math.min(8, size))
    readFully(fd, head, 0)
    const length = headerLength(path, head, size)
    const header = Buffer.alloc(length)
    readFully(fd, header, 8)
    return { path, size, ...parseHeader(path, header, size) }
  })
}

/** Length of the JSON header from the first eight bytes of a file of `size` bytes. */
export function headerLength(path: string, head: Uint8Array, size: number): number {
  if (size < 8 || head.length < 8) throw broken(path, `has only ${size} bytes; the shortest possible has 10`)
  const length = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true))
  if (length > headerLimit || length < 2)
    throw broken(
      path,
      `does not begin as a safetensors file (header length ${length})`,
      'Its first bytes are no header length: another format?',
    )
  if (8 + length > size) throw broken(path, `is truncated: its header alone needs ${8 + length} bytes, it has ${size}`)
  return length
}

/**
 * Checks a JSON header (the bytes after the length) against the size of its file: entries are well-formed, sizes agree
 * with shapes and types, and the data is covered from end to end without gap or overlap.
 */
export function parseHeader(path: string, header: Uint8Array, size: number): Pick<TensorFile, 'tensors' | 'metadata'> {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header))
  } catch (cause) {
    throw broken(path, 'has a damaged header (not JSON)', undefined, cause)
  }
  if (!isRecord(json)) throw broken(path, 'has a damaged header (not an object)')
  const base = 8 + header.length
  const tensors = new Map<string, TensorEntry>()
  let metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') {
      if (!isRecord(value) || Object.values(value).some((text) => typeof text !== 'string'))
        throw broken(path, 'has a damaged header (__metadata__ must map names to texts)')
      metadata = value as Record<string, string>
    } else tensors.set(name, parseEntry(path, name, value, base))
  }
  let end = base
  for (const [name, entry] of [...tensors].toSorted(([, a], [, b]) => a.offset - b.offset || a.length - b.length)) {
    if (entry.offset < end) throw broken(path, `has a damaged header (tensor "${name}" overlaps the one before it)`)
    if (entry.offset > end)
      throw broken(path, `has a damaged header (${entry.offset - end} bytes before tensor "${name}" belong to none)`)
    end = entry.offset + entry.length
  }
  if (end > size) throw broken(path, `is truncated: its tensors need ${end} bytes, it has ${size}`)
  if (end < size) throw broken(path, `has ${size - end} bytes behind its last tensor`)
  return { tensors, metadata }
}

function parseEntry(path: string, name: string, value: unknown, base: number): TensorEntry {
  const fail = (what: string): OfgenError => broken(path, `has a damaged header (tensor "${name}" ${what})`)
  if (!isRecord(value)) throw fail('is not an object')
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string' || !Object.hasOwn(bits, dtype)) throw fail(`has the unknown type ${JSON.stringify(dtype)}`)
  if (!Array.isArray(shape) || !shape.every(isCount)) throw fail('has no proper shape')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw fail('has no proper data_offsets')
  const [begin, end] = offsets as [number, number]
  const expected = (shape.reduce((product, side) => product * side, 1) * bits[dtype]!) / 8
  if (end - begin !== expected) throw fail(`spans ${end - begin} bytes where its shape and type make ${expected}`)
  return { dtype, dims: shape, offset: base + begin, length: expected }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function broken(path: string, what: string, hint?: string, cause?: unknown): OfgenError {
  return new OfgenError('model_invalid', `${path} ${what}.`, {
    hint: hint ?? 'Most often a download broke off: fetch the file again.',
    cause,
  })
}
