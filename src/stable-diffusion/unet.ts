import { doubledConv } from '../onnx/doubled-conv.ts'
import { Graph, type Value } from '../onnx/graph.ts'
import { conv, groupNorm, silu, type AttentionOptions } from '../onnx/layers.ts'
import { scope, type WeightSource } from '../onnx/scope.ts'
import { resnet } from './resnet.ts'
import { sinusoids, timeEmbedding } from './time-embedding.ts'
import { sequences } from './tokens.ts'
import { transformer } from './transformer.ts'
import { ofLevel, type UnetConfig } from './unet-config.ts'

export interface UnetBuildOptions {
  readonly attention?: AttentionOptions['form']
  /** Told of the values between the blocks under the names of diffusers' modules; for finding where two networks differ. */
  readonly tap?: (label: string, value: Value, graph: Graph) => void
}

/**
 * The denoising network of Stable Diffusion (diffusers' UNet2DConditionModel) for any batch and latent size.
 *
 * Inputs `sample` `[batch, in_channels, height, width]`, `timestep` `[1 or batch]` (may be fractional),
 * `encoder_hidden_states` `[batch, tokens, cross_attention_dim]`; result `out_sample` `[batch, out_channels, height, width]`.
 *
 * @throws OfgenError model_invalid if a weight is missing or has other dimensions than the config says.
 * @see Rombach et al. 2022, arXiv:2112.10752
 */
export function buildUnet(config: UnetConfig, weights: WeightSource, options: UnetBuildOptions = {}): Uint8Array {
  const graph = new Graph('unet')
  const root = scope(graph, weights)
  const tap = (label: string, value: Value): void => options.tap?.(label, value, graph)
  const channels = config.block_out_channels
  const levels = channels.length
  const groups = config.norm_num_groups
  const epsilon = config.norm_eps

  // 1. Inputs
  const sample = graph.input('sample', 'float32', ['batch', config.in_channels, 'height', 'width'])
  const timestep = graph.input('timestep', 'float32', ['times'])
  const states = graph.input('encoder_hidden_states', 'float32', ['batch', 'tokens', config.cross_attention_dim])
  const toSequence = sequences(graph, sample)
  const context = {
    rows: graph.node('Reshape', [states, graph.ints([-1, config.cross_attention_dim])]),
    width: config.cross_attention_dim,
  }

  // 2. Time
  const first = channels[0]!
  const waves = sinusoids(graph, timestep, { channels: first, cosinesFirst: config.flip_sin_to_cos, shift: config.freq_shift })
  tap('time_proj', waves)
  const embedded = timeEmbedding(root.at('time_embedding'), waves, { in: first, out: 4 * first })
  tap('time_embedding', embedded)
  const time = { value: silu(graph, embedded), width: 4 * first }

  const res = (path: string, x: Value, from: number, to: number): Value =>
    resnet(root.at(path), x, { in: from, out: to, groups, epsilon, time })
  const attend = (path: string, x: Value, level: number): Value =>
    transformer(root.at(path), x, {
      channels: channels[level]!,
      heads: ofLevel(config.num_attention_heads ?? config.attention_head_dim, level),
      depth: ofLevel(config.transformer_layers_per_block, level),
      groups,
      context,
      linearProjection: config.use_linear_projection,
      toSequence,
      ...(options.attention === undefined ? {} : { form: options.attention }),
    })

  // 3. Down, keeping what the way up will need
  let x = conv(root.at('conv_in'), sample, { in: config.in_channels, out: first })
  tap('conv_in', x)
  let width = first
  const skips = [{ value: x, width }]
  for (let level = 0; level < levels; level++) {
    const path = `down_blocks.${level}`
    const before = skips.length
    for (let i = 0; i < ofLevel(config.layers_per_block, level); i++) {
      x = res(`${path}.resnets.${i}`, x, width, channels[level]!)
      width = channels[level]!
      if (config.down_block_types[level] === 'CrossAttnDownBlock2D') x = attend(`${path}.attentions.${i}`, x, level)
      skips.push({ value: x, width })
    }
    if (level < levels - 1) {
      x = conv(root.at(`${path}.downsamplers.0.conv`), x, { in: width, out: width, stride: 2 })
      skips.push({ value: x, width })
    }
    for (const [i, skip] of skips.slice(before).entries()) tap(`down${level}.res${i}`, skip.value)
    tap(`down${level}`, x)
  }

  // 4. Middle
  x = res('mid_block.resnets.0', x, width, width)
  x = attend('mid_block.attentions.0', x, levels - 1)
  x = res('mid_block.resnets.1', x, width, width)
  tap('mid', x)

  // 5. Up, innermost level first
  for (let i = 0; i < levels; i++) {
    const level = levels - 1 - i
    const path = `up_blocks.${i}`
    for (let j = 0; j <= ofLevel(config.layers_per_block, level); j++) {
      const skip = skips.pop()!
      x = graph.node('Concat', [x, skip.value], { axis: 1 })
      x = res(`${path}.resnets.${j}`, x, width + skip.width, channels[level]!)
      width = channels[level]!
      if (config.up_block_types[i] === 'CrossAttnUpBlock2D') x = attend(`${path}.attentions.${j}`, x, level)
    }
    const next = skips.at(-1)
    if (next !== undefined) x = doubledConv(root.at(`${path}.upsamplers.0.conv`), x, { in: width, out: width, like: next.value })
    tap(`up${i}`, x)
  }

  // 6. Out
  x = silu(graph, groupNorm(root.at('conv_norm_out'), x, { channels: first, groups, epsilon }))
  x = conv(root.at('conv_out'), x, { in: first, out: config.out_channels })
  graph.output('out_sample', x, 'float32', ['batch', config.out_channels, 'height', 'width'])
  return graph.toModel()
}
