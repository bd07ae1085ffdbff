import { readdirSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'

/** A checkpoint in a folder of models. */
export interface FoundModel {
  /** File name without its ending, or the folder's name. */
  readonly name: string
  readonly path: string
  readonly kind: 'file' | 'diffusers folder'
  readonly bytes: number
}

/** Where A1111, Forge, SD.Next and ComfyUI keep checkpoints, from their own folder and from their folder of models. */
const places = ['Stable-diffusion', 'Stable-Diffusion', 'checkpoints', 'diffusers', 'Diffusers', 'diffusion_models']
/** Folders that hold other things than whole checkpoints. */
const elsewhere =
  /^(lora|loras|lycoris|vae|vae_approx|taesd|embeddings|controlnet|clip|clip_vision|text_encoders?|unet|upscale_models|esrgan|gfpgan|codeformer|hypernetworks|ip-?adapter|t2i_adapter|node_modules|\..*)$/i
const deepest = 4

/**
 * Checkpoints in a folder: A1111's or ComfyUI's own folder, their folder of models, or any other. Of those programs' folders
 * only the parts that hold checkpoints are looked at. In the order of their names.
 */
export function listModels(folder: string): FoundModel[] {
  const known = [folder, join(folder, 'models')]
    .flatMap((root) => places.map((place) => join(root, place)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
  const found = (known.length > 0 ? known : [folder]).flatMap((root) => modelsBelow(root, deepest))
  // A file system that ignores case shows one folder under two names.
  const unique = new Map(found.map((model) => [identity(model.path), model]))
  return [...unique.values()].toSorted((a, b) => a.name.localeCompare(b.name))
}

/** The model of a name, with or without ending, in any case; also with folders in front. Undefined if there is none. */
export function findInModelsDir(name: string, folder: string): FoundModel | undefined {
  const models = listModels(folder)
  const wanted = name.replaceAll('\\', '/')
  const matches = (model: FoundModel, fold: (text: string) => string): boolean => {
    const path = fold(model.path.replaceAll('\\', '/'))
    return [wanted, ...(extname(model.path) === '' ? [] : [wanted + extname(model.path)])].some((one) =>
      path.endsWith('/' + fold(one)),
    )
  }
  return (
    models.find((model) => matches(model, (text) => text)) ?? models.find((model) => matches(model, (text) => text.toLowerCase()))
  )
}

function modelsBelow(folder: string, depth: number): FoundModel[] {
  const found: FoundModel[] = []
  let entries
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  for (const { name } of entries) {
    const path = join(folder, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() === true && /\.(safetensors|ckpt)$/i.test(name))
      found.push({ name: basename(name, extname(name)), path, kind: 'file', bytes: stats.size })
    if (stats?.isDirectory() !== true || elsewhere.test(name)) continue
    if (statSync(join(path, 'model_index.json'), { throwIfNoEntry: false })?.isFile() === true)
      found.push({ name, path, kind: 'diffusers folder', bytes: bytesBelow(path) })
    else if (depth > 0) found.push(...modelsBelow(path, depth - 1))
  }
  return found
}

function bytesBelow(folder: string): number {
  let bytes = 0
  for (const name of readdirSync(folder, { recursive: true })) {
    const stats = statSync(join(folder, String(name)), { throwIfNoEntry: false })
    if (stats?.isFile() === true) bytes += stats.size
  }
  return bytes
}

function identity(path: string): string {
  const { dev, ino } = statSync(path)
  return `${dev} ${ino}`
}
