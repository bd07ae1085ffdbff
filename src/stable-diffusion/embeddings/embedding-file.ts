import { basename, extname } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { hashFiles } from '../checkpoint/hash.ts'
import { openTensorFile } from '../checkpoint/open-tensor-file.ts'
import { readTensor, type TensorFile } from '../checkpoint/tensor-file.ts'

/** Vectors of one word for one text encoder: `[count * width]`. */
export interface Vectors {
  readonly width: number
  readonly data: Float32Array
}

/** A textual inversion embedding: words, all of which become the same vectors. */
export interface EmbeddingFile {
  readonly path: string
  readonly hash: string
  /** The file's name without its ending, and the word that the file itself names. */
  readonly words: readonly string[]
  /** For each text encoder of the family it was made for: one, or SDXL's two. */
  readonly parts: readonly Vectors[]
  /** Vectors of the word. */
  readonly count: number
}

/**
 * Reads a textual inversion embedding: `emb_params` (A1111), a tensor under its word (diffusers), `clip_l` and `clip_g` (SDXL), and
 * `string_to_param` (older `.pt` files).
 *
 * @throws OfgenError model_missing, model_invalid for what is no embedding.
 * @see Gal et al. 2022, arXiv:2208.01618
 */
export function openEmbedding(path: string): EmbeddingFile {
  const file = openTensorFile(path)
  const { tensors } = file
  const names = [...tensors.keys()]
  const stem = basename(path, extname(path))
  const found = (words: readonly string[], keys: readonly string[]): EmbeddingFile => {
    const parts = keys.map((key) => vectorsOf(file, key))
    const counts = new Set(parts.map(({ width, data }) => data.length / width))
    if (counts.size !== 1) throw invalid(path, `its two encoders have ${[...counts].join(' and ')} vectors`)
    return { path, hash: hashFiles(path, [path]), words, parts, count: [...counts][0]! }
  }
  if (tensors.has('clip_l') && tensors.has('clip_g')) return found([stem], ['clip_l', 'clip_g'])
  if (tensors.has('emb_params')) return found([stem], ['emb_params'])
  const old = names.find((name) => name.startsWith('string_to_param.'))
  if (old !== undefined) return found([stem], [old])
  const [only] = names
  if (names.length === 1 && tensors.get(only!)!.dims.length <= 2 && !/\.(weight|bias)$/.test(only!))
    return found([stem, only!], [only!])
  throw invalid(path, `it has ${names.length} tensors (${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''})`)
}

function invalid(path: string, what: string): OfgenError {
  return new OfgenError('model_invalid', `${path} is no textual inversion embedding: ${what}.`, {
    hint: 'Accepted are files with emb_params, clip_l and clip_g, string_to_param, or one tensor named by its word.',
  })
}

function vectorsOf(file: TensorFile, key: string): Vectors {
  const { dims } = file.tensors.get(key)!
  const width = dims.at(-1)
  if (width === undefined || dims.length > 2 || width === 0 || dims[0] === 0)
    throw invalid(file.path, `"${key}" is [${dims.join(', ')}], not vectors`)
  const data = readTensor(file, key)
  if (!data.every(Number.isFinite)) throw invalid(file.path, `"${key}" has values that are no numbers`)
  return { width, data }
}
