import { readdirSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { openEmbedding, type EmbeddingFile } from './embedding-file.ts'

/** Embeddings in a model: ids behind its vocabulary, and the vectors they stand for. */
export interface EmbeddingSet {
  readonly hashes: readonly string[]
  /** Files of a folder that were left out, and why. */
  readonly warnings: readonly string[]
  /** Ids of each word. */
  readonly words: ReadonlyMap<string, readonly number[]>
  /** For each text encoder the rows behind its token table, `[rows * width]`; absent where there are none. */
  readonly rows: readonly (Float32Array | undefined)[]
}

/**
 * @param paths Files, and folders of files. What is of another family or no embedding is left out where it lies in a folder.
 * @param widths Widths of the model's text encoders.
 * @param firstId The first id behind the vocabulary.
 * @throws OfgenError as `openEmbedding`, and model_invalid for an embedding of another family and for two that share a word.
 */
export function openEmbeddings(paths: readonly string[], widths: readonly number[], firstId: number): EmbeddingSet {
  const words = new Map<string, readonly number[]>()
  const warnings: string[] = []
  const files = paths.flatMap((path) => (isFolder(path) ? openFolder(path, widths, warnings) : [opened(path, widths)]))
  let next = firstId
  for (const file of files) {
    const ids = Array.from({ length: file.count }, (_, i) => next + i)
    next += file.count
    for (const word of new Set(file.words.map((one) => one.toLowerCase()))) {
      if (words.has(word))
        throw new OfgenError('model_invalid', `Two embeddings have the word "${word}", the second is ${file.path}.`, {
          hint: 'Rename one of the files, or leave one out.',
        })
      words.set(word, ids)
    }
  }
  return {
    hashes: files.flatMap(({ path, hash }) => [basename(path), hash]),
    warnings,
    words,
    rows: widths.map((width, part) =>
      joined(
        files.map(({ parts }) => parts[part]!.data),
        (next - firstId) * width,
      ),
    ),
  }
}

function opened(path: string, widths: readonly number[]): EmbeddingFile {
  const file = openEmbedding(path)
  checkWidths(file, widths)
  return file
}

function openFolder(folder: string, widths: readonly number[], warnings: string[]): EmbeddingFile[] {
  const names = readdirSync(folder)
    .filter((name) => endings.includes(extname(name)))
    .sort()
  const left: string[] = []
  const files = names.flatMap((name) => {
    try {
      return [opened(join(folder, name), widths)]
    } catch (error) {
      if (!(error instanceof OfgenError)) throw error
      left.push(name)
      return []
    }
  })
  if (left.length > 0)
    warnings.push(
      `${left.length} of ${names.length} embeddings in ${folder} do not fit this model and were left out (${left.slice(0, 3).join(', ')}${left.length > 3 ? ', …' : ''}).`,
    )
  return files
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

const endings = ['.safetensors', '.pt', '.bin']

const families: Readonly<Record<string, string>> = {
  '768': 'Stable Diffusion 1',
  '1024': 'Stable Diffusion 2',
  '768 1280': 'SDXL',
}

function checkWidths({ path, parts }: EmbeddingFile, widths: readonly number[]): void {
  const own = parts.map(({ width }) => width)
  if (own.join(' ') === widths.join(' ')) return
  const family = families[own.join(' ')]
  throw new OfgenError(
    'model_invalid',
    `The embedding ${path} does not fit this model: its vectors are ${own.join(' and ')} wide${family === undefined ? '' : ` (${family})`}, the model's ${widths.join(' and ')}.`,
    { hint: 'An embedding only works with the family it was made for (Stable Diffusion 1, 2 or XL).' },
  )
}

function joined(parts: readonly Float32Array[], length: number): Float32Array | undefined {
  if (length === 0) return undefined
  const all = new Float32Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
