import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import { protobufFields } from './protobuf-reader.ts'

/** What a model is, wherever its weights lie. */
export interface ModelDigest {
  /** 64 hexadecimal digits over the graph and samples of every weight. */
  readonly hash: string
  /** Bytes of its weights when they are float32, as the runtime keeps them. */
  readonly floatBytes: number
  /** Files that weights lie in, in the order they are used first. */
  readonly files: readonly string[]
}

/** Of a larger tensor this much is read at its start, in its middle and at its end. */
const sample = 2048

/** Bytes of one element by ONNX type number; 4 for others. */
const elementBytes: Readonly<Record<number, number>> = { 2: 1, 3: 1, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2, 17: 1, 18: 1, 19: 1, 20: 1 }

/**
 * Identifies a model by its graph and by what its weights are, not by where they lie: a moved file gives the same hash, one
 * with other numbers another. Of every tensor in a file three samples are read, so that gigabytes take a moment.
 *
 * @param root Folder that the locations in the graph are relative to.
 * @throws RangeError if the bytes are no model; file system errors if a file of weights cannot be read.
 */
export async function digestModel(model: Uint8Array, root: string): Promise<ModelDigest> {
  const hash = createHash('sha256')
  const files = new Map<string, FileHandle>()
  let floatBytes = 0
  try {
    for (const part of protobufFields(model)) {
      if (part.field !== 7) addField(hash, part)
      else
        for (const inner of protobufFields(part.bytes)) {
          if (inner.field === 5) floatBytes += await addTensor(inner.bytes)
          else addField(hash, inner)
        }
    }
  } finally {
    for (const file of files.values()) await file.close()
  }
  return { hash: hash.digest('hex'), floatBytes, files: [...files.keys()] }

  /** Gives the bytes it takes as float32. */
  async function addTensor(tensor: Uint8Array): Promise<number> {
    const place = new Map<string, string>()
    let [type, count, inline] = [1, 1, 0]
    for (const part of protobufFields(tensor)) {
      if (part.field === 13) {
        const [key, value] = [...protobufFields(part.bytes)].map(({ bytes }) => Buffer.from(bytes).toString())
        place.set(key ?? '', value ?? '')
        continue
      }
      if (part.field === 1) count *= part.value
      if (part.field === 2) type = part.value
      if (part.field === 9) inline = part.bytes.length
      addField(hash, part)
    }
    const location = place.get('location')
    if (location === undefined) return inline
    const size = elementBytes[type] ?? 4
    const path = isAbsolute(location) ? location : resolve(root, location)
    const file = files.get(path) ?? (await open(path, 'r'))
    files.set(path, file)
    const start = Number(place.get('offset') ?? 0)
    const length = Number(place.get('length') ?? count * size)
    hash.update(`weights ${length}\n`)
    const starts = length <= 3 * sample ? [start] : [start, start + Math.floor((length - sample) / 2), start + length - sample]
    const buffer = Buffer.alloc(length <= 3 * sample ? length : sample)
    for (const position of starts) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      hash.update(buffer.subarray(0, bytesRead))
    }
    return (length / size) * 4
  }
}

function addField(hash: Hash, { field, value, bytes }: { field: number; value: number; bytes: Uint8Array }): void {
  hash.update(`${field} ${value} ${bytes.length}\n`)
  hash.update(bytes)
}
