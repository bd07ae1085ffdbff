import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { OfgenError } from '../errors.ts'

/** Folder of the small model that comes with the package. */
export const embeddedModelPath: string = fileURLToPath(new URL('../../assets/mini-sd', import.meta.url))

/**
 * The folder of a model as a user names it: `embedded`, or a path.
 * @throws OfgenError `model_missing` if there is nothing of that name.
 */
export async function findModel(name: string): Promise<string> {
  if (name === 'embedded') return embeddedModelPath
  try {
    await stat(name)
    return name
  } catch (cause) {
    throw new OfgenError('model_missing', `There is no model ${name}; accepted: "embedded" or the path of a diffusers folder.`, {
      hint: 'Check the path, or leave --model out to use the embedded model.',
      cause,
    })
  }
}
