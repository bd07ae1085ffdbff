import { OfgenError } from '../../errors.ts'
import { readFully } from './tensor-file.ts'

/** Where an uncompressed file of a zip archive lies. */
export interface ZipEntry {
  /** Bytes from the start of the archive. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

const endMark = 0x06054b50
const end64Mark = 0x06064b50
const locatorMark = 0x07064b50
const entryMark = 0x02014b50
const localMark = 0x04034b50
const directoryLimit = 64 * 1024 * 1024

/**
 * The table of contents of a zip archive whose files are stored as they are, as PyTorch writes it; sizes beyond 4 GB
 * included.
 *
 * @throws OfgenError model_invalid naming what is damaged, or which file is compressed.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function readZipDirectory(fd: number, path: string, size: number): Map<string, ZipEntry> {
  const broken = (what: string): OfgenError =>
    new OfgenError('model_invalid', `${path} ${what}.`, { hint: 'Most often a download broke off: fetch the file again.' })
  const read = (offset: number, length: number): DataView => {
    if (!(offset >= 0 && length >= 0 && offset + length <= size))
      throw broken('is a damaged zip archive: an entry lies outside of it')
    const bytes = new Uint8Array(length)
    readFully(fd, bytes, offset)
    return new DataView(bytes.buffer)
  }

  const tail = read(Math.max(0, size - 65_557), Math.min(size, 65_557))
  let end = tail.byteLength - 22
  while (end >= 0 && tail.getUint32(end, true) !== endMark) end--
  if (end < 0) throw broken('is a truncated zip archive: its table of contents, which comes last, is missing')
  let count = tail.getUint16(end + 10, true)
  let length = tail.getUint32(end + 12, true)
  let offset = tail.getUint32(end + 16, true)
  if (end >= 20 && tail.getUint32(end - 20, true) === locatorMark) {
    const record = read(Number(tail.getBigUint64(end - 20 + 8, true)), 56)
    if (record.getUint32(0, true) !== end64Mark) throw broken('is a damaged zip archive: its large table of contents is missing')
    count = Number(record.getBigUint64(32, true))
    length = Number(record.getBigUint64(40, true))
    offset = Number(record.getBigUint64(48, true))
  }
  if (length > directoryLimit) throw broken(`has a zip table of contents of ${length} bytes; at most ${directoryLimit} are read`)

  const directory = read(offset, length)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + 46 > length || directory.getUint32(at, true) !== entryMark) throw broken('has a damaged zip table of contents')
    const nameLength = directory.getUint16(at + 28, true)
    const extraLength = directory.getUint16(at + 30, true)
    const next = at + 46 + nameLength + extraLength + directory.getUint16(at + 32, true)
    if (next > length) throw broken('has a damaged zip table of contents')
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, at + 46, nameLength))
    if (directory.getUint16(at + 10, true) !== 0)
      throw broken(`is a zip archive with the compressed file "${name}"; weights are read only where they are stored as they are`)
    const extra = new DataView(directory.buffer, at + 46 + nameLength, extraLength)
    const [packed, whole, local] = wideFields(extra, [
      directory.getUint32(at + 24, true),
      directory.getUint32(at + 20, true),
      directory.getUint32(at + 42, true),
    ]) as [number, number, number]
    if (packed !== whole) throw broken(`has a damaged zip table of contents ("${name}" has two sizes)`)
    const head = read(local, 30)
    if (head.getUint32(0, true) !== localMark) throw broken(`is a damaged zip archive: "${name}" is not where it should be`)
    const begin = local + 30 + head.getUint16(26, true) + head.getUint16(28, true)
    if (begin + whole > size) throw broken(`is truncated: "${name}" ends at byte ${begin + whole}, the file at ${size}`)
    entries.set(name, { offset: begin, length: whole })
    at = next
  }
  return entries
}

/** Fields that say 0xffffffff stand, in their order, in the extra field of type 1. */
function wideFields(extra: DataView, fields: readonly number[]): number[] {
  const wide: number[] = []
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue
    const end = Math.min(extra.byteLength, at + 4 + extra.getUint16(at + 2, true))
    for (let i = at + 4; i + 8 <= end; i += 8) wide.push(Number(extra.getBigUint64(i, true)))
    break
  }
  return fields.map((value) => (value === 0xffffffff ? (wide.shift() ?? value) : value))
}
