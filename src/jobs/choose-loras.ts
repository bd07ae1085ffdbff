import { OfgenError } from '../errors.ts'
import { findFile, foldersBeside } from '../models/find-file.ts'
import { extractLoras, type LoraTag } from '../prompt/lora-tags.ts'
import type { Settings } from '../settings.ts'
import type { LoraChoice } from '../stable-diffusion/lora/lora-set.ts'

/** Takes the LoRAs out of the settings: those of `--lora`, then those that stand in the prompts, which come back without them. */
export function takeLoras(settings: Settings): { readonly settings: Settings; readonly loras: readonly LoraTag[] } {
  const loras = (settings.lora ?? []).map(parseLoraOption)
  const texts: { prompt?: string; negative?: string } = {}
  for (const name of ['prompt', 'negative'] as const) {
    const text = settings[name]
    if (text === undefined) continue
    const found = extractLoras(text)
    texts[name] = found.prompt
    loras.push(...found.loras)
  }
  return { settings: { ...settings, ...texts }, loras }
}

/** `file` or `file:0.8`. A drive letter is no weight. */
export function parseLoraOption(text: string): LoraTag {
  const [, name, weight] = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(text) ?? []
  if (name === undefined) {
    if (/^.{2,}:[^\\/]*$/.test(text))
      throw new OfgenError(
        'option_invalid',
        `--lora cannot be "${text}"; accepted: FILE or FILE:WEIGHT with a number as the weight.`,
        {
          hint: 'For example --lora watercolor.safetensors:0.8.',
        },
      )
    return { name: text, weight: 1 }
  }
  return { name, weight: Number(weight) }
}

/**
 * The files behind the names. One that is named twice gets both weights together.
 *
 * @throws OfgenError model_missing.
 */
export function findLoras(loras: readonly LoraTag[], model: string, folder: string | undefined): LoraChoice[] {
  const folders = [...(folder === undefined ? [] : [folder]), ...foldersBeside(model, ['loras', 'Lora', 'lora'])]
  const weights = new Map<string, number>()
  for (const { name, weight } of loras) {
    const path = findFile({ name, what: 'LoRA', folders, endings: ['.safetensors', '.pt', '.ckpt'] })
    weights.set(path, (weights.get(path) ?? 0) + weight)
  }
  return [...weights].map(([path, weight]) => ({ path, weight }))
}
