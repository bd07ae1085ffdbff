import { writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { TensorToWrite } from './safetensors.ts'

// Writes tensors as `torch.save({'state_dict': OrderedDict(...)})` does: a zip archive of a pickle and one file a storage.

const storageNames: Readonly<Record<string, string>> = {
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
}

/** A pickle of protocol 2. Numbers are whole, tuples are `[...]` behind 'tuple'. */
export class PickleWriter {
  private readonly parts: Buffer[] = [Buffer.from([0x80, 2])]

  op(code: number | string, ...more: (string | Buffer)[]): this {
    this.parts.push(typeof code === 'string' ? Buffer.from(code, 'latin1') : Buffer.from([code]))
    for (const part of more) this.parts.push(typeof part === 'string' ? Buffer.from(part) : part)
    return this
  }

  text(value: string): this {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return this.op('X', length, bytes)
  }

  int(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return this.op('J', bytes)
  }

  global(module: string, name: string): this {
    return this.op('c', `${module}\n${name}\n`)
  }

  ints(values: readonly number[]): this {
    this.op('(')
    for (const value of values) this.int(value)
    return this.op('t')
  }

  finish(): Buffer {
    return Buffer.concat([...this.parts, Buffer.from('.')])
  }
}

/** Writes a `.ckpt`. */
export function writeTorchFile(path: string, tensors: Readonly<Record<string, TensorToWrite>>, style: ZipStyle = {}): void {
  const pickle = new PickleWriter()
    .op('}')
    .op('(')
    .text('state_dict')
    .global('collections', 'OrderedDict')
    .op(')')
    .op('R')
    .op('(')
  for (const [i, [name, { dtype, dims, data }]] of Object.entries(tensors).entries()) {
    const count = dims.reduce((product, side) => product * side, 1)
    const strides = dims.map((_, at) => dims.slice(at + 1).reduce((product, side) => product * side, 1))
    if (storageNames[dtype] === undefined || data.byteLength === 0) throw new Error(`${name} is not written.`)
    pickle.text(name).global('torch._utils', '_rebuild_tensor_v2').op('((').text('storage').global('torch', storageNames[dtype])
    pickle.text(String(i)).text('cpu').int(count).op('tQ').int(0).ints(dims).ints(strides).op(0x89)
    pickle.global('collections', 'OrderedDict').op(')R').op('t').op('R')
  }
  const files: [string, Uint8Array][] = [['archive/data.pkl', pickle.op('uu').finish()]]
  for (const [i, { data }] of Object.values(tensors).entries())
    files.push([`archive/data/${i}`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)])
  writeZip(path, files, style)
}

/** How a zip archive is written. */
export interface ZipStyle {
  /** Number of the compression that is said to be used. */
  readonly method?: number
  /** Sizes and places in the fields for archives beyond 4 GB. */
  readonly wide?: boolean
}

/** Writes files as they are into a zip archive, each at a multiple of 64 bytes. */
export function writeZip(
  path: string,
  files: readonly (readonly [name: string, data: Uint8Array])[],
  { method = 0, wide = false }: ZipStyle = {},
): void {
  const parts: Uint8Array[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, data] of files) {
    const bytes = Buffer.from(name)
    const padding = (64 - ((at + 30 + bytes.length) % 64)) % 64
    const head = Buffer.alloc(30)
    head.writeUInt32LE(0x04034b50, 0)
    head.writeUInt16LE(method, 8)
    head.writeUInt32LE(crc32(data), 14)
    head.writeUInt32LE(data.length, 18)
    head.writeUInt32LE(data.length, 22)
    head.writeUInt16LE(bytes.length, 26)
    head.writeUInt16LE(padding, 28)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    head.copy(entry, 10, 8, 28)
    const extra = wide ? wideExtra(data.length, at) : Buffer.alloc(0)
    entry.writeUInt16LE(extra.length, 30)
    entry.writeUInt32LE(at, 42)
    if (wide) for (const field of [20, 24, 42]) entry.writeUInt32LE(0xffffffff, field)
    parts.push(head, bytes, Buffer.alloc(padding), data)
    directory.push(entry, bytes, extra)
    at += 30 + bytes.length + padding + data.length
  }
  const table = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  for (const field of [8, 10]) end.writeUInt16LE(wide ? 0xffff : files.length, field)
  end.writeUInt32LE(wide ? 0xffffffff : table.length, 12)
  end.writeUInt32LE(wide ? 0xffffffff : at, 16)
  const wideEnd = wide ? wideRecords(files.length, table.length, at) : Buffer.alloc(0)
  writeFileSync(path, Buffer.concat([...parts, table, wideEnd, end]))
}

/** Behind an extra field of another kind, the real size (twice) and place. */
function wideExtra(size: number, at: number): Buffer {
  const extra = Buffer.alloc(8 + 28)
  extra.writeUInt16LE(0x5455, 0)
  extra.writeUInt16LE(4, 2)
  extra.writeUInt16LE(1, 8)
  extra.writeUInt16LE(24, 10)
  for (const [i, value] of [size, size, at].entries()) extra.writeBigUInt64LE(BigInt(value), 12 + 8 * i)
  return extra
}

/** The large end of the table of contents, and where it is. */
function wideRecords(count: number, length: number, offset: number): Buffer {
  const both = Buffer.alloc(56 + 20)
  both.writeUInt32LE(0x06064b50, 0)
  both.writeBigUInt64LE(44n, 4)
  for (const field of [24, 32]) both.writeBigUInt64LE(BigInt(count), field)
  both.writeBigUInt64LE(BigInt(length), 40)
  both.writeBigUInt64LE(BigInt(offset), 48)
  both.writeUInt32LE(0x07064b50, 56)
  both.writeBigUInt64LE(BigInt(offset + length), 56 + 8)
  both.writeUInt32LE(1, 56 + 16)
  return both
}
