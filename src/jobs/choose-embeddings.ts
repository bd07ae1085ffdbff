import { readdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { findFile, foldersBeside } from '../models/find-file.ts'

const endings = ['.safetensors', '.pt', '.bin']

/**
 * The embedding files that `--embedding` names: each a file, a name that is looked for beside the model, or a folder of files.
 *
 * @throws OfgenError model_missing.
 */
export function findEmbeddings(names: readonly string[], model: string): string[] {
  const paths = names.flatMap((name) => {
    if (statSync(name, { throwIfNoEntry: false })?.isDirectory() === true)
      return readdirSync(name)
        .filter((file) => endings.includes(extname(file)))
        .sort()
        .map((file) => join(name, file))
    return [findFile({ name, what: 'embedding', folders: foldersBeside(model, ['embeddings']), endings })]
  })
  return [...new Set(paths)]
}
