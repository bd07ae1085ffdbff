import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** CLIP's vocabulary, which all published models share; it comes with the package. */
export const clipTokenizerPath: string = fileURLToPath(new URL('../../../assets/clip-tokenizer', import.meta.url))

/** The folder itself where it has a vocabulary, otherwise the package's. */
export function tokenizerFolder(folder: string): string {
  const whole = existsSync(join(folder, 'vocab.json')) && existsSync(join(folder, 'merges.txt'))
  return whole || existsSync(join(folder, 'tokenizer.json')) ? folder : clipTokenizerPath
}
