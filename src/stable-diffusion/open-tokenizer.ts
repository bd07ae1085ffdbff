import { resolve } from 'node:path'
import { loadTokenizer, type Tokenizer } from '../prompt/tokenizer.ts'
import { openCheckpoint } from './checkpoint/open-checkpoint.ts'

/**
 * The tokenizer that belongs to a model, without opening its networks.
 *
 * @param path File or folder, as {@link openModel} takes it.
 * @throws OfgenError as `openModel`.
 */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  return loadTokenizer(openCheckpoint(resolve(path)).tokenizer)
}
