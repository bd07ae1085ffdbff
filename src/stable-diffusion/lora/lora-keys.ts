/** The networks of a model that a LoRA may change. */
export type LoraPart = 'unet' | 'text' | 'text2'

/** What a tensor of a LoRA file is to the weight that it changes. */
export type LoraSlot =
  | 'up'
  | 'down'
  | 'mid'
  | 'alpha'
  | 'magnitude'
  | 'difference'
  | 'biasDifference'
  | `hada_${'w1_a' | 'w1_b' | 'w2_a' | 'w2_b' | 't1' | 't2'}`
  | `lokr_${'w1' | 'w1_a' | 'w1_b' | 'w2' | 'w2_a' | 'w2_b' | 't2'}`

export interface LoraKey {
  readonly part: LoraPart
  /** Name of the module with underscores for points, without `text_model_`. */
  readonly module: string
  readonly slot: LoraSlot
}

const adapter = String.raw`(?:\.default(?:_\d+)?)?`

/** Ends of names, by who writes them: kohya and LyCORIS, PEFT, diffusers before PEFT (two forms). */
const endings: readonly (readonly [RegExp, LoraSlot | undefined])[] = [
  [/\.lora_up\.weight$/, 'up'],
  [/\.lora_down\.weight$/, 'down'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.alpha$/, 'alpha'],
  [/\.dora_scale$/, 'magnitude'],
  [new RegExp(String.raw`\.lora_B${adapter}\.weight$`), 'up'],
  [new RegExp(String.raw`\.lora_A${adapter}\.weight$`), 'down'],
  [new RegExp(String.raw`\.lora_magnitude_vector${adapter}(?:\.weight)?$`), 'magnitude'],
  [/(?:\.lora|_lora|\.lora_linear_layer)\.up\.weight$/, 'up'],
  [/(?:\.lora|_lora|\.lora_linear_layer)\.down\.weight$/, 'down'],
  [/\.(?:diff|w_norm)$/, 'difference'],
  [/\.(?:diff_b|b_norm)$/, 'biasDifference'],
  [/\.((?:hada|lokr)_(?:w[12](?:_[ab])?|t[12]))$/, undefined],
]

const beginnings: readonly (readonly [RegExp, LoraPart])[] = [
  [/^lora_unet_/, 'unet'],
  [/^lora_te1?_/, 'text'],
  [/^lora_te2_/, 'text2'],
  [/^unet\./, 'unet'],
  [/^(?:model\.)?diffusion_model\./, 'unet'],
  [/^text_encoder\./, 'text'],
  [/^text_encoder_2\./, 'text2'],
  [/^(?=(?:down_blocks|up_blocks|mid_block|conv_in|conv_out|time_embedding)\.)/, 'unet'],
]

/** Reads the name of a tensor in a LoRA file; undefined if it is of no known form. */
export function parseLoraKey(key: string): LoraKey | undefined {
  const name = key.replace(/^base_model\.model\./, '')
  const ending = endings.find(([pattern]) => pattern.test(name))
  if (ending === undefined) return undefined
  const [pattern, known] = ending
  const slot = known ?? (pattern.exec(name)![1] as LoraSlot)
  const path = name.replace(pattern, '')
  const beginning = beginnings.find(([pattern]) => pattern.test(path))
  if (beginning === undefined) return undefined
  const module = path
    .replace(beginning[0], '')
    .replace(/\.processor(?=\.)/, '')
    .replaceAll('.', '_')
    .replace(/^text_model_/, '')
    .replace(/_to_out$/, '_to_out_0')
  return { part: beginning[1], module, slot }
}

/** A module's name as `LoraKey.module` has it. */
export function underscored(module: string): string {
  return module.replace(/^text_model\./, '').replaceAll('.', '_')
}
