import type { TensorEntry } from './tensor-file.ts'

/** What decides where a UNet's weights lie in the LDM layout. */
export interface LdmUnetShape {
  readonly layers_per_block: number | readonly number[]
  readonly up_block_types: readonly string[]
}

const tops: Readonly<Record<string, string>> = {
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0',
  'add_embedding.linear_2': 'label_emb.0.2',
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
}

const resnetParts: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
}

/**
 * The name that the LDM layout (CompVis, A1111, kohya's SDXL) gives a weight or module of diffusers' UNet, without prefix:
 * blocks are numbered through instead of by level. Serves ControlNets too, whose way down is the same.
 *
 * @returns undefined for names that are none of the UNet's.
 */
export function ldmUnetName(name: string, shape: LdmUnetShape): string | undefined {
  for (const [theirs, ldm] of Object.entries(tops))
    if (name === theirs || name.startsWith(`${theirs}.`)) return ldm + name.slice(theirs.length)
  const match = /^(?:(down|up)_blocks\.(\d+)|mid_block)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)(?:\.(.*))?$/.exec(
    name,
  )
  if (match === null) return undefined
  const [, side, levelText, kind, indexText, rest = ''] = match
  const level = Number(levelText)
  const index = Number(indexText)
  const resnet = rest.replace(/^\w+/, (part) => resnetParts[part] ?? part)
  const inside = (place: string, what: string): string => (what === '' ? place : `${place}.${what}`)
  if (side === undefined)
    return kind === 'attentions' ? inside('middle_block.1', rest) : inside(`middle_block.${2 * index}`, resnet)
  const first = firstBlock(side === 'down' ? 'down' : 'up', level, shape)
  if (kind === 'downsamplers') return inside(`input_blocks.${first + layersOf(shape, level)}.0`, rest.replace(/^conv\b/, 'op'))
  if (kind === 'upsamplers') {
    const place = shape.up_block_types[level]?.startsWith('CrossAttn') ? 2 : 1
    return inside(`output_blocks.${first + layersOf(shape, shape.up_block_types.length - 1 - level)}.${place}`, rest)
  }
  const block = `${side === 'down' ? 'input' : 'output'}_blocks.${first + index}`
  return kind === 'attentions' ? inside(`${block}.1`, rest) : inside(`${block}.0`, resnet)
}

function layersOf({ layers_per_block: layers }: LdmUnetShape, level: number): number {
  return typeof layers === 'number' ? layers : layers[level]!
}

/** Number of a level's first block; levels of the way up count from the innermost. */
function firstBlock(side: 'down' | 'up', level: number, shape: LdmUnetShape): number {
  const levels = shape.up_block_types.length
  let first = side === 'down' ? 1 : 0
  for (let i = 0; i < level; i++) first += layersOf(shape, side === 'down' ? i : levels - 1 - i) + 1
  return first
}

/**
 * The `config.json` that diffusers would have for a UNet in the LDM layout, read off its tensors. Heads and groups cannot be
 * seen there; they follow the conventions of the published families: 8 heads where the transformers' way in is a 1x1
 * convolution (SD 1), heads of 64 channels where it is linear (SD 2, SDXL), 32 groups.
 *
 * @param prefix `model.diffusion_model.`
 * @returns undefined if there is no such UNet.
 */
export function ldmUnetConfig(tensors: ReadonlyMap<string, TensorEntry>, prefix: string): Record<string, unknown> | undefined {
  const dims = (name: string): readonly number[] | undefined => tensors.get(prefix + name)?.dims
  const input = dims('input_blocks.0.0.weight')
  const output = dims('out.2.weight')
  if (input === undefined || output === undefined) return undefined
  const depthAt = (block: string): number => {
    let depth = 0
    while (tensors.has(`${prefix}${block}.transformer_blocks.${depth}.attn1.to_q.weight`)) depth++
    return depth
  }
  const channels: number[] = []
  const layers: number[] = []
  const depths: number[] = []
  let open = false
  for (let i = 1; ; i++) {
    const conv = dims(`input_blocks.${i}.0.in_layers.2.weight`)
    if (conv !== undefined) {
      if (!open) {
        channels.push(conv[0]!)
        layers.push(0)
        depths.push(depthAt(`input_blocks.${i}.1`))
        open = true
      }
      layers[layers.length - 1]!++
    } else if (tensors.has(`${prefix}input_blocks.${i}.0.op.weight`)) open = false
    else break
  }
  if (channels.length === 0) return undefined
  const attends = depths.map((depth) => depth > 0)
  const middle = Math.max(1, depthAt('middle_block.1'))
  const firstAttention = [...Array(64).keys()].find((i) => tensors.has(`${prefix}input_blocks.${i}.1.proj_in.weight`)) ?? 0
  const linear = dims(`input_blocks.${firstAttention}.1.proj_in.weight`)?.length === 2
  const added = dims('label_emb.0.0.weight')
  return {
    in_channels: input[1],
    out_channels: output[0],
    block_out_channels: channels,
    down_block_types: attends.map((yes) => (yes ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: attends.map((yes) => (yes ? 'CrossAttnUpBlock2D' : 'UpBlock2D')).toReversed(),
    layers_per_block: layers,
    transformer_layers_per_block: depths.map((depth, i) => depth || (i === depths.length - 1 ? middle : 1)),
    attention_head_dim: linear ? channels.map((width) => Math.max(1, Math.round(width / 64))) : 8,
    cross_attention_dim:
      dims(`input_blocks.${firstAttention}.1.transformer_blocks.0.attn2.to_k.weight`)?.[1] ??
      dims('middle_block.1.transformer_blocks.0.attn2.to_k.weight')?.[1],
    norm_num_groups: 32,
    use_linear_projection: linear,
    ...(added === undefined ? {} : { addition_embed_type: 'text_time', projection_class_embeddings_input_dim: added[1] }),
  }
}
