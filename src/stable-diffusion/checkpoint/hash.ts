import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { relative, sep } from 'node:path'

const block = 16 * 1024
const blocks = 256

/**
 * Hash of a model's files for content keys: 32 hexadecimal digits.
 *
 * Covers each file's name relative to `base`, its size and its content; of files above 4 MB only 256 blocks of 16 KB,
 * evenly spaced from the first byte to the last, so that gigabytes take milliseconds. Times and places do not matter.
 * Another model, precision or retraining changes it; a file altered on purpose between the blocks would not.
 */
export function hashFiles(base: string, files: readonly string[]): string {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(block)
  for (const file of [...files].toSorted()) {
    const fd = openSync(file, 'r')
    try {
      const { size } = fstatSync(fd)
      hash.update(`${relative(base, file).split(sep).join('/')} ${size}\n`)
      const last = Math.max(0, size - block)
      const count = Math.min(blocks, Math.ceil(size / block))
      for (let i = 0; i < count; i++) {
        const position = count < blocks ? i * block : Math.round((i * last) / (blocks - 1))
        hash.update(buffer.subarray(0, readSync(fd, buffer, 0, block, position)))
      }
    } finally {
      closeSync(fd)
    }
  }
  return hash.digest('hex').slice(0, 32)
}

/** One hash of several; empty ones do not count, and one alone is itself. */
export function joinedHash(...hashes: readonly string[]): string {
  const present = hashes.filter((hash) => hash !== '')
  if (present.length === 1) return present[0]!
  return createHash('sha256').update(present.join(' ')).digest('hex').slice(0, 32)
}

/** Hash of a text, 32 hexadecimal digits. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
