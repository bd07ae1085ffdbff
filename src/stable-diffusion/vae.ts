import { z } from 'zod'
import { doubledConv } from '../onnx/doubled-conv.ts'
import { Graph, type Value } from '../onnx/graph.ts'
import { attention, conv, groupNorm, linear, silu } from '../onnx/layers.ts'
import { scope, type Scope, type WeightSource } from '../onnx/scope.ts'
import { resnet } from './resnet.ts'
import { fromTokens, sequences, toTokens, type ToSequence } from './tokens.ts'

/** The part of an AutoencoderKL's `config.json` that decides its layers. */
export const klConfigSchema = z
  .object({
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    latent_channels: z.int().positive().default(4),
    block_out_channels: z.array(z.int().positive()).min(1),
    down_block_types: z.array(z.literal('DownEncoderBlock2D')),
    up_block_types: z.array(z.literal('UpDecoderBlock2D')),
    layers_per_block: z.int().positive().default(1),
    norm_num_groups: z.int().positive().default(32),
    act_fn: z.enum(['silu', 'swish']).default('silu'),
    mid_block_add_attention: z.boolean().default(true),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
    scaling_factor: z.number().positive().default(0.18215),
    shift_factor: z.union([z.null(), z.literal(0)]).optional(),
    latents_mean: z.null().optional(),
    latents_std: z.null().optional(),
  })
  .superRefine((config, context) => {
    for (const key of ['down_block_types', 'up_block_types'] as const)
      if (config[key].length !== config.block_out_channels.length)
        context.addIssue({ code: 'custom', path: [key], message: 'needs as many entries as block_out_channels' })
  })

export type KlConfig = z.output<typeof klConfigSchema>

const epsilon = 1e-6

/**
 * Encoder of Stable Diffusion's autoencoder (diffusers' AutoencoderKL). Input `image` `[batch, 3, height, width]` in
 * -1..1, sides multiples of 2^(levels - 1); result `latent`, the mean, not scaled.
 *
 * @throws OfgenError model_invalid as `buildUnet`.
 * @see Rombach et al. 2022, arXiv:2112.10752
 */
export function buildKlEncoder(config: KlConfig, weights: WeightSource): Uint8Array {
  const graph = new Graph('vae_encoder')
  const root = scope(graph, weights)
  const at = root.at('encoder')
  const { block_out_channels: channels, norm_num_groups: groups, latent_channels: latents } = config
  const image = graph.input('image', 'float32', ['batch', 3, 'height', 'width'])
  let width = channels[0]!
  let x = conv(at.at('conv_in'), image, { in: 3, out: width })
  for (const [level, next] of channels.entries()) {
    const block = at.at(`down_blocks.${level}`)
    for (let i = 0; i < config.layers_per_block; i++) {
      x = resnet(block.at(`resnets.${i}`), x, { in: width, out: next, groups, epsilon })
      width = next
    }
    if (level < channels.length - 1)
      x = conv(block.at('downsamplers.0.conv'), x, { in: width, out: width, stride: 2, pads: [0, 0, 1, 1] })
  }
  x = middle(at.at('mid_block'), x, { width, groups, attends: config.mid_block_add_attention }, sequences(graph, image))
  x = silu(graph, groupNorm(at.at('conv_norm_out'), x, { channels: width, groups, epsilon }))
  x = conv(at.at('conv_out'), x, { in: width, out: 2 * latents })
  if (config.use_quant_conv) x = conv(root.at('quant_conv'), x, { in: 2 * latents, out: 2 * latents, kernel: 1 })
  const [mean] = graph.nodes('Split', [x], { axis: 1, num_outputs: 2 }, 2)
  graph.output('latent', mean!, 'float32', ['batch', latents, 'latentHeight', 'latentWidth'])
  return graph.toModel()
}

/** Decoder of the same. Input `latent` (unscaled), result `image` in about -1..1, not clamped. @throws as the encoder. */
export function buildKlDecoder(config: KlConfig, weights: WeightSource): Uint8Array {
  const graph = new Graph('vae_decoder')
  const root = scope(graph, weights)
  const at = root.at('decoder')
  const { norm_num_groups: groups, latent_channels: latents } = config
  const channels = config.block_out_channels.toReversed()
  const latent = graph.input('latent', 'float32', ['batch', latents, 'latentHeight', 'latentWidth'])
  let x = latent
  if (config.use_post_quant_conv) x = conv(root.at('post_quant_conv'), x, { in: latents, out: latents, kernel: 1 })
  let width = channels[0]!
  x = conv(at.at('conv_in'), x, { in: latents, out: width })
  x = middle(at.at('mid_block'), x, { width, groups, attends: config.mid_block_add_attention }, sequences(graph, latent))
  for (const [level, next] of channels.entries()) {
    const block = at.at(`up_blocks.${level}`)
    for (let i = 0; i <= config.layers_per_block; i++) {
      x = resnet(block.at(`resnets.${i}`), x, { in: width, out: next, groups, epsilon })
      width = next
    }
    if (level < channels.length - 1) x = doubledConv(block.at('upsamplers.0.conv'), x, { in: width, out: width })
  }
  x = silu(graph, groupNorm(at.at('conv_norm_out'), x, { channels: width, groups, epsilon }))
  x = conv(at.at('conv_out'), x, { in: width, out: 3 })
  graph.output('image', x, 'float32', ['batch', 3, 'height', 'width'])
  return graph.toModel()
}

interface MiddleOptions {
  readonly width: number
  readonly groups: number
  readonly attends: boolean
}

function middle(at: Scope, input: Value, { width, groups, attends }: MiddleOptions, toSequence: ToSequence): Value {
  const options = { in: width, out: width, groups, epsilon }
  let x = resnet(at.at('resnets.0'), input, options)
  if (attends) x = selfAttention(at.at('attentions.0'), x, width, groups, toSequence)
  return resnet(at.at('resnets.1'), x, options)
}

/** What the layers are called, and what files from before 2023 call them. */
const attentionNames = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' } as const

/** Self-attention of one head over all cells, beside a shortcut. */
function selfAttention(at: Scope, x: Value, width: number, groups: number, toSequence: ToSequence): Value {
  const { graph } = at
  const project = (name: keyof typeof attentionNames, rows: Value): Value => {
    const place =
      at.has(`${name}.weight`) || !at.has(`${attentionNames[name]}.weight`) ? at.at(name) : at.at(attentionNames[name])
    return linear(place, rows, { in: width, out: width })
  }
  const { rows, sides } = toTokens(graph, groupNorm(at.at('group_norm'), x, { channels: width, groups, epsilon }), width)
  const [query, key, value] = (['to_q', 'to_k', 'to_v'] as const).map((name) => toSequence(project(name, rows), width)) as [
    Value,
    Value,
    Value,
  ]
  const seen = attention(graph, query, key, value, { heads: 1, width })
  const out = project('to_out.0', graph.node('Reshape', [seen, graph.ints([-1, width])]))
  return graph.node('Add', [fromTokens(graph, { rows: out, sides }), x])
}
