import { existsSync } from 'node:fs'
import { findFile, foldersBeside } from '../models/find-file.ts'

/**
 * The embeddings that `--embedding` names: each a file, a folder of files, or a name that is looked for beside the model.
 *
 * @throws OfgenError model_missing.
 */
export function findEmbeddings(names: readonly string[], model: string): string[] {
  const folders = foldersBeside(model, ['embeddings'])
  return names.map((name) =>
    existsSync(name) ? name : findFile({ name, what: 'embedding', folders, endings: ['.safetensors', '.pt', '.bin'] }),
  )
}
