import type { Family } from '../family.ts'
import type { TensorEntry } from './tensor-file.ts'

/** What a file of tensors is, told by their names and shapes. */
export type Recognised =
  | { readonly kind: 'checkpoint'; readonly family: Family; readonly title: string }
  /** A model, or a part of one, that cannot stand as `--model`. */
  | { readonly kind: 'other'; readonly title: string; readonly hint: string }

type Tensors = ReadonlyMap<string, TensorEntry>

export const unetPrefix = 'model.diffusion_model.'
export const vaePrefix = 'first_stage_model.'
/** Where single files keep their text encoders. */
export const textPrefixes = {
  sd1: 'cond_stage_model.transformer.',
  sd2: 'cond_stage_model.model.',
  sdxl: ['conditioner.embedders.0.transformer.', 'conditioner.embedders.1.model.'],
} as const

const elsewhere = 'Stable Diffusion 1, 2 and XL are supported.'

/** Told by tensors that only files of the kind have, the most telling first. */
const others: readonly (readonly [RegExp, string, string])[] = [
  [/(^|\.)joint_blocks\.\d/, 'a Stable Diffusion 3 model', elsewhere],
  [/(^|\.)(double_blocks|single_transformer_blocks)\.\d/, 'a Flux model', elsewhere],
  [
    /^(lora_unet_|lora_te|lycoris_)|\.(lora_A|lora_B|lora_up|lora_down|lora\.up|lora\.down|hada_w1_a|lokr_w1)\b/,
    'a LoRA',
    'Give it as --lora, beside the model it was made for.',
  ],
  [
    /^control_model\.|(^|\.)controlnet_cond_embedding\.|(^|\.)input_hint_block\./,
    'a ControlNet',
    'Give it as --control, beside a model.',
  ],
  [/^(adapter|body)\.\d+.*\b(block1|in_conv)\b/, 'a T2I adapter', 'Adapters of this kind are not supported.'],
  [/^(image_proj|ip_adapter)\./, 'an IP-Adapter', 'Adapters of this kind are not supported.'],
  [/^(emb_params|string_to_param\.|clip_[lg]$)/, 'a textual inversion embedding', 'Give it as --embedding, beside a model.'],
  [
    /^(model\.diffusion_model\.)?(down_blocks|mid_block|up_blocks)\.\d.*resnets/,
    "a UNet alone in diffusers' layout",
    'Put it into a diffusers folder, with the VAE and text encoder of its family.',
  ],
  [/^(encoder|decoder)\.(layers|down|down_blocks|up)\.\d/, 'an autoencoder (VAE)', 'Give it as --vae, beside a model.'],
  [/^\d+\.(weight|conv\.0\.weight)$/, 'one half of a tiny autoencoder (TAESD)', 'Give it as --vae, beside a model.'],
  [/^(text_model\.|transformer\.resblocks\.)/, 'a text encoder alone', 'Give the whole checkpoint.'],
  [
    /^input_blocks\.\d/,
    'a UNet alone in the LDM layout, without its prefix',
    'Give the whole checkpoint, with VAE and text encoder.',
  ],
]

/** What the file is and, for checkpoints, of which family. */
export function recognise(tensors: Tensors): Recognised {
  const has = (name: string): boolean => tensors.has(name)
  if (has(`${unetPrefix}input_blocks.0.0.weight`)) return checkpoint(tensors)
  for (const [pattern, title, hint] of others)
    for (const name of tensors.keys()) if (pattern.test(name)) return { kind: 'other', title, hint }
  return { kind: 'other', title: 'no model that is known', hint: elsewhere }
}

function checkpoint(tensors: Tensors): Recognised {
  const has = (name: string): boolean => tensors.has(name)
  const channels = tensors.get(`${unetPrefix}input_blocks.0.0.weight`)!.dims[1]
  const special = channels === 9 ? ', inpainting' : channels === 8 ? ', InstructPix2Pix' : ''
  const found = (family: Family, title: string): Recognised => ({ kind: 'checkpoint', family, title: title + special })
  const refused = (title: string): Recognised => ({ kind: 'other', title, hint: elsewhere })
  if (channels === 5) return refused('a depth-to-image model (5 input channels)')
  if (channels === 7) return refused('an upscaler model (7 input channels)')
  const added = has(`${unetPrefix}label_emb.0.0.weight`)
  if (has('conditioner.embedders.0.model.ln_final.weight')) return refused('the refiner of Stable Diffusion XL')
  if (has('embedder.model.visual.proj') || (added && has('cond_stage_model.model.ln_final.weight')))
    return refused('an unCLIP model')
  if (
    [...tensors.keys()].some(
      (name) => name.startsWith(`${unetPrefix}input_blocks.1.0.time_stack.`) || name.includes('.time_mixer.'),
    )
  )
    return refused('a video model')
  if (added || has('conditioner.embedders.1.model.ln_final.weight')) return found('sdxl', 'Stable Diffusion XL')
  if (has('cond_stage_model.model.ln_final.weight')) return found('sd2', 'Stable Diffusion 2')
  const context = tensors.get(`${unetPrefix}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight`)?.dims[1]
  return context === 1024 ? found('sd2', 'Stable Diffusion 2') : found('sd1', 'Stable Diffusion 1')
}
