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

/** The `config.json` of an autoencoder in the LDM layout, read off its tensors; undefined if there is none below `prefix`. */
export function ldmVaeConfig(tensors: ReadonlyMap<string, TensorEntry>, prefix: string): Record<string, unknown> | undefined {
  const dims = (name: string): readonly number[] | undefined => tensors.get(prefix + name)?.dims
  const latent = dims('decoder.conv_in.weight')?.[1]
  const channels: number[] = []
  for (let out; (out = dims(`encoder.down.${channels.length}.block.0.conv1.weight`)?.[0]) !== undefined;) channels.push(out)
  if (latent === undefined || channels.length === 0) return undefined
  let layers = 0
  while (dims(`encoder.down.0.block.${layers}.conv1.weight`) !== undefined) layers++
  return {
    latent_channels: latent,
    block_out_channels: channels,
    down_block_types: channels.map(() => 'DownEncoderBlock2D'),
    up_block_types: channels.map(() => 'UpDecoderBlock2D'),
    layers_per_block: layers,
    norm_num_groups: 32,
    mid_block_add_attention: dims('encoder.mid.attn_1.q.weight') !== undefined,
    use_quant_conv: dims('quant_conv.weight') !== undefined,
    use_post_quant_conv: dims('post_quant_conv.weight') !== undefined,
  }
}
