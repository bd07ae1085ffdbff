import type { TensorEntry } from './tensor-file.ts'

const attentionParts: Readonly<Record<string, string>> = {
  group_norm: 'norm',
  to_q: 'q',
  to_k: 'k',
  to_v: 'v',
  'to_out.0': 'proj_out',
}

/**
 * The name that the LDM layout gives a weight of diffusers' AutoencoderKL, without prefix. The way up is numbered from the
 * outermost of its `levels` there.
 */
export function ldmVaeName(name: string, levels: number): string {
  return name
    .replace('conv_norm_out', 'norm_out')
    .replace('conv_shortcut', 'nin_shortcut')
    .replace(/down_blocks\.(\d+)\.resnets/, 'down.$1.block')
    .replace(/down_blocks\.(\d+)\.downsamplers\.0/, 'down.$1.downsample')
    .replace(/up_blocks\.(\d+)\.resnets/, (_, level) => `up.${levels - 1 - Number(level)}.block`)
    .replace(/up_blocks\.(\d+)\.upsamplers\.0/, (_, level) => `up.${levels - 1 - Number(level)}.upsample`)
    .replace(/mid_block\.resnets\.(\d)/, (_, i) => `mid.block_${Number(i) + 1}`)
    .replace(
      /mid_block\.attentions\.0\.(group_norm|to_[qkv]|to_out\.0)/,
      (_, part: string) => `mid.attn_1.${attentionParts[part]}`,
    )
}

/**
 * The `config.json` of an AutoencoderKL, read off its tensors; undefined if there is none below `prefix`.
 *
 * @param layout Whose names the tensors have.
 */
export function klConfigOf(
  tensors: ReadonlyMap<string, TensorEntry>,
  prefix: string,
  layout: 'ldm' | 'diffusers',
): Record<string, unknown> | undefined {
  const dims = (name: string): readonly number[] | undefined =>
    tensors.get(prefix + (layout === 'ldm' ? ldmVaeName(name, 0) : name))?.dims
  const block = (level: number, i: number): readonly number[] | undefined =>
    dims(`encoder.down_blocks.${level}.resnets.${i}.conv1.weight`)
  const latent = dims('decoder.conv_in.weight')?.[1]
  const channels: number[] = []
  for (let out; (out = block(channels.length, 0)?.[0]) !== undefined;) channels.push(out)
  if (latent === undefined || channels.length === 0) return undefined
  let layers = 0
  while (block(0, layers) !== undefined) layers++
  return {
    latent_channels: latent,
    block_out_channels: channels,
    down_block_types: channels.map(() => 'DownEncoderBlock2D'),
    up_block_types: channels.map(() => 'UpDecoderBlock2D'),
    layers_per_block: layers,
    norm_num_groups: 32,
    mid_block_add_attention: dims('encoder.mid_block.attentions.0.group_norm.weight') !== undefined,
    use_quant_conv: dims('quant_conv.weight') !== undefined,
    use_post_quant_conv: dims('post_quant_conv.weight') !== undefined,
  }
}
