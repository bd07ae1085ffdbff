import { readFully, withFile, type TensorEntry } from './tensor-file.ts'

/** All ones in these bits of a stored number mean infinity or not a number. */
const masks: Readonly<Record<string, number>> = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80, F8_E5M2: 0x7c }

const piece = 16 * 1024 * 1024

/**
 * Which of a file's tensors hold infinite numbers or such that are none, by reading all of them once.
 *
 * @returns Names, with how many such numbers each has.
 */
export function findNotFinite(path: string, tensors: ReadonlyMap<string, TensorEntry>): Map<string, number> {
  return withFile(path, (fd) => {
    const found = new Map<string, number>()
    const buffer = new Uint8Array(piece)
    for (const [name, { dtype, offset, length }] of [...tensors].toSorted(([, a], [, b]) => a.offset - b.offset)) {
      if (masks[dtype] === undefined && dtype !== 'F8_E4M3' && dtype !== 'F64') continue
      let count = 0
      for (let done = 0; done < length; done += piece) {
        const part = buffer.subarray(0, Math.min(piece, length - done))
        readFully(fd, part, offset + done)
        count += countNotFinite(part, dtype)
      }
      if (count > 0) found.set(name, count)
    }
    return found
  })
}

function countNotFinite(bytes: Uint8Array<ArrayBuffer>, dtype: string): number {
  const { buffer, length } = bytes
  let count = 0
  if (dtype === 'F64') {
    const numbers = new Float64Array(buffer, 0, length / 8)
    for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) count++
  } else if (dtype === 'F8_E4M3') {
    for (let i = 0; i < length; i++) if ((bytes[i]! & 0x7f) === 0x7f) count++
  } else {
    const mask = masks[dtype]!
    const words =
      dtype === 'F32'
        ? new Uint32Array(buffer, 0, length / 4)
        : dtype === 'F8_E5M2'
          ? bytes
          : new Uint16Array(buffer, 0, length / 2)
    for (let i = 0; i < words.length; i++) if ((words[i]! & mask) === mask) count++
  }
  return count
}
