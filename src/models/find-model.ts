import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { OfgenError } from '../errors.ts'
import { fetchModel, type DownloadEvent, type FetchModelOptions } from './hub/fetch-model.ts'
import { parseHubName } from './hub/hub-name.ts'
import { findInModelsDir, listModels } from './models-dir.ts'

/** Folder of the small model that comes with the package. */
export const embeddedModelPath: string = fileURLToPath(new URL('../../assets/mini-sd', import.meta.url))

export interface FindModelOptions extends FetchModelOptions {
  /** Folder of models that names are looked for in; by default the one of OFGEN_MODELS_DIR. */
  readonly modelsDir?: string | undefined
}

/**
 * The path of a model as a user names it: `embedded`; a path; the name of a checkpoint in the folder of models; or a name on
 * Hugging Face (`owner/name`, `owner/name@revision`, `owner/name/file.safetensors`), which is downloaded if it is not in
 * Hugging Face's cache. Yields how far a download is.
 *
 * @throws OfgenError `model_missing` if there is nothing of that name, and what {@link fetchModel} throws.
 */
export async function* locateModel(
  name: string,
  options: FindModelOptions = {},
): AsyncGenerator<DownloadEvent, string, undefined> {
  if (name === 'embedded') return embeddedModelPath
  if (await isThere(name)) return name
  const modelsDir = options.modelsDir ?? (process.env['OFGEN_MODELS_DIR'] || undefined)
  if (modelsDir !== undefined) {
    if (!(await isThere(modelsDir)))
      throw new OfgenError('option_invalid', `There is no folder ${modelsDir} (--models-dir or OFGEN_MODELS_DIR).`)
    const found = findInModelsDir(name, modelsDir)
    if (found !== undefined) return found.path
  }
  const onHub = parseHubName(name)
  if (onHub !== undefined) return yield* fetchModel(onHub, options)
  const known = modelsDir === undefined ? [] : listModels(modelsDir)
  throw new OfgenError(
    'model_missing',
    `There is no model ${name}; accepted: "embedded", a path, a name in the folder of --models-dir, or owner/name on Hugging Face.`,
    {
      hint:
        known.length === 0
          ? 'Check the path, or leave --model out to use the embedded model.'
          : `${modelsDir} has: ${known
              .slice(0, 8)
              .map((model) => model.name)
              .join(', ')}${known.length > 8 ? ', …' : ''}.`,
    },
  )
}

/** {@link locateModel} for those who do not watch the download. */
export async function findModel(name: string, options: FindModelOptions = {}): Promise<string> {
  const search = locateModel(name, options)
  for (;;) {
    const next = await search.next()
    if (next.done === true) return next.value
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
