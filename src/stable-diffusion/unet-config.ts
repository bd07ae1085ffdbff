import { z } from 'zod'

const perLevel = z.union([z.int().positive(), z.array(z.int().positive())])
/** A setting that must be off. */
const off = z.union([z.null(), z.literal(false)], { error: 'only null or false is supported' }).optional()

/** The part of a UNet2DConditionModel's `config.json` that decides its layers; what is not supported is refused. */
export const unetConfigSchema = z
  .object({
    in_channels: z.int().positive(),
    out_channels: z.int().positive(),
    block_out_channels: z.array(z.int().positive()).min(1),
    down_block_types: z.array(z.enum(['DownBlock2D', 'CrossAttnDownBlock2D'])),
    up_block_types: z.array(z.enum(['UpBlock2D', 'CrossAttnUpBlock2D'])),
    mid_block_type: z.literal('UNetMidBlock2DCrossAttn').default('UNetMidBlock2DCrossAttn'),
    layers_per_block: perLevel.default(2),
    transformer_layers_per_block: perLevel.default(1),
    /** The number of heads, not their width: an old naming mistake that all checkpoints carry. */
    attention_head_dim: perLevel.default(8),
    num_attention_heads: perLevel.nullish(),
    cross_attention_dim: z.int().positive(),
    norm_num_groups: z.int().positive().default(32),
    norm_eps: z.number().positive().default(1e-5),
    use_linear_projection: z.boolean().default(false),
    flip_sin_to_cos: z.boolean().default(true),
    freq_shift: z.number().default(0),
    act_fn: z.enum(['silu', 'swish']).default('silu'),
    downsample_padding: z.literal(1).default(1),
    mid_block_scale_factor: z.literal(1).default(1),
    resnet_time_scale_shift: z.literal('default').default('default'),
    time_embedding_type: z.literal('positional').default('positional'),
    conv_in_kernel: z.literal(3).default(3),
    conv_out_kernel: z.literal(3).default(3),
    resnet_out_scale_factor: z.literal(1).default(1),
    attention_type: z.literal('default').default('default'),
    /** SDXL: the pooled prompt and six numbers of sizes are added to the time embedding. */
    addition_embed_type: z.union([off, z.literal('text_time')], { error: 'only null or "text_time" is supported' }),
    addition_time_embed_dim: z.int().positive().nullish(),
    projection_class_embeddings_input_dim: z.int().positive().nullish(),
    class_embed_type: off,
    num_class_embeds: off,
    encoder_hid_dim: off,
    encoder_hid_dim_type: off,
    center_input_sample: off,
    only_cross_attention: off,
    mid_block_only_cross_attention: off,
    dual_cross_attention: off,
    cross_attention_norm: off,
    resnet_skip_time_act: off,
    reverse_transformer_layers_per_block: off,
    time_cond_proj_dim: off,
    time_embedding_dim: off,
    time_embedding_act_fn: off,
    timestep_post_act: off,
  })
  .superRefine((config, context) => {
    const levels = config.block_out_channels.length
    for (const key of [
      'down_block_types',
      'up_block_types',
      'layers_per_block',
      'transformer_layers_per_block',
      'attention_head_dim',
      'num_attention_heads',
    ] as const) {
      const value = config[key]
      if (Array.isArray(value) && value.length !== levels)
        context.addIssue({
          code: 'custom',
          path: [key],
          message: `needs ${levels} entries as block_out_channels has, got ${value.length}`,
        })
    }
    if (config.addition_embed_type === 'text_time' && pooledWidth(config) <= 0)
      context.addIssue({
        code: 'custom',
        path: ['projection_class_embeddings_input_dim'],
        message: 'needs to be more than six times addition_time_embed_dim',
      })
    for (const [i, channels] of config.block_out_channels.entries())
      if (channels % config.norm_num_groups !== 0)
        context.addIssue({ code: 'custom', path: ['block_out_channels', i], message: `must be a multiple of norm_num_groups` })
  })

export type UnetConfig = z.output<typeof unetConfigSchema>

/** Channels of the pooled prompt that SDXL's UNet takes. */
export function pooledWidth(
  config: Pick<UnetConfig, 'projection_class_embeddings_input_dim' | 'addition_time_embed_dim'>,
): number {
  return (config.projection_class_embeddings_input_dim ?? 0) - 6 * (config.addition_time_embed_dim ?? 0)
}

/** A setting for level `level`, outermost first. */
export function ofLevel(value: number | readonly number[], level: number): number {
  return typeof value === 'number' ? value : value[level]!
}
