/** Names inside a residual block, diffusers' to the original code's. */
const inResnet: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
}

const single: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
}

/** Blocks of a level with their up- or downsampler, as all published models have them. */
const perLevel = 3

/**
 * What the original code (LDM, and what was made from it) calls a module of the UNet, from diffusers' name. An upsampler has two
 * possible names: it lies behind attention where there is one.
 *
 * @returns Empty for modules it has no name for.
 */
export function ldmNames(module: string): string[] {
  const known = single[module]
  if (known !== undefined) return [known]
  const [, block, level, kind, index, rest] =
    /^(down_blocks|up_blocks|mid_block)(?:\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(module) ??
    []
  if (block === undefined || kind === undefined || rest === undefined) return []
  const inner = kind === 'resnets' ? inResnet[rest] : rest
  if (inner === undefined) return []
  const n = Number(index)
  if (block === 'mid_block') return [`middle_block.${kind === 'attentions' ? 1 : 2 * n}.${inner}`]
  const begin = perLevel * Number(level)
  if (kind === 'downsamplers') return [`input_blocks.${begin + perLevel}.0.op`]
  if (kind === 'upsamplers') return [2, 1].map((place) => `output_blocks.${begin + perLevel - 1}.${place}.conv`)
  const place = kind === 'attentions' ? 1 : 0
  return [
    block === 'down_blocks' ? `input_blocks.${begin + n + 1}.${place}.${inner}` : `output_blocks.${begin + n}.${place}.${inner}`,
  ]
}
