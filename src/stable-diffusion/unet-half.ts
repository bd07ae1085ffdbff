import type { Graph, Value } from '../onnx/graph.ts'
import { conv, silu, type AttentionOptions } from '../onnx/layers.ts'
import type { Scope } from '../onnx/scope.ts'
import { resnet } from './resnet.ts'
import { sinusoids, timeEmbedding } from './time-embedding.ts'
import { sequences } from './tokens.ts'
import { transformer } from './transformer.ts'
import { ofLevel, pooledWidth, type UnetConfig } from './unet-config.ts'

// What the UNet and its ControlNets have in common: inputs, the two kinds of layer, the way down and the middle.

export interface UnetBuildOptions {
  readonly attention?: AttentionOptions['form']
  /** Told of the values between the blocks under the names of diffusers' modules; for finding where two networks differ. */
  readonly tap?: (label: string, value: Value, graph: Graph) => void
}

/** A network under construction: its layers, with time and prompt already in them. */
export interface UnetParts {
  readonly sample: Value
  readonly tap: (label: string, value: Value) => void
  /** Residual block at a path, between widths. */
  readonly res: (path: string, x: Value, from: number, to: number) => Value
  /** Transformer at a path, of a level counted from the outermost. */
  readonly attend: (path: string, x: Value, level: number) => Value
}

/**
 * Declares the inputs `sample`, `timestep`, `encoder_hidden_states` and for SDXL `text_embeds` and `time_ids`, and embeds
 * time and sizes.
 */
export function unetParts(root: Scope, config: UnetConfig, options: UnetBuildOptions): UnetParts {
  const { graph } = root
  const tap = (label: string, value: Value): void => options.tap?.(label, value, graph)
  const channels = config.block_out_channels
  const groups = config.norm_num_groups
  const epsilon = config.norm_eps

  const sample = graph.input('sample', 'float32', ['batch', config.in_channels, 'height', 'width'])
  const timestep = graph.input('timestep', 'float32', ['times'])
  const states = graph.input('encoder_hidden_states', 'float32', ['batch', 'tokens', config.cross_attention_dim])
  const toSequence = sequences(graph, sample)
  const context = {
    rows: graph.node('Reshape', [states, graph.ints([-1, config.cross_attention_dim])]),
    width: config.cross_attention_dim,
  }

  const first = channels[0]!
  const waves = sinusoids(graph, timestep, { channels: first, cosinesFirst: config.flip_sin_to_cos, shift: config.freq_shift })
  tap('time_proj', waves)
  let embedded = timeEmbedding(root.at('time_embedding'), waves, { in: first, out: 4 * first })
  tap('time_embedding', embedded)
  if (config.addition_embed_type === 'text_time') embedded = graph.node('Add', [embedded, addedEmbedding(root, config)])
  const time = { value: silu(graph, embedded), width: 4 * first }

  return {
    sample,
    tap,
    res: (path, x, from, to) => resnet(root.at(path), x, { in: from, out: to, groups, epsilon, time }),
    attend: (path, x, level) =>
      transformer(root.at(path), x, {
        channels: channels[level]!,
        heads: ofLevel(config.num_attention_heads ?? config.attention_head_dim, level),
        depth: ofLevel(config.transformer_layers_per_block, level),
        groups,
        context,
        linearProjection: config.use_linear_projection,
        toSequence,
        ...(options.attention === undefined ? {} : { form: options.attention }),
      }),
  }
}

/**
 * What SDXL adds to the time embedding: the pooled prompt and six sizes.
 *
 * @see Podell et al. 2023, arXiv:2307.01952, section 2.2
 */
function addedEmbedding(root: Scope, config: UnetConfig): Value {
  const { graph } = root
  const pooled = pooledWidth(config)
  const each = config.addition_time_embed_dim ?? 0
  const texts = graph.input('text_embeds', 'float32', ['batch', pooled])
  const sizes = graph.node('Reshape', [graph.input('time_ids', 'float32', ['batch', 6]), graph.ints([-1])])
  const waves = sinusoids(graph, sizes, { channels: each, cosinesFirst: config.flip_sin_to_cos, shift: config.freq_shift })
  const both = graph.node('Concat', [texts, graph.node('Reshape', [waves, graph.ints([-1, 6 * each])])], { axis: -1 })
  return timeEmbedding(root.at('add_embedding'), both, { in: pooled + 6 * each, out: 4 * config.block_out_channels[0]! })
}

/** A value that the way up takes in again. */
export interface Skip {
  readonly value: Value
  readonly width: number
}

/** The way down from what `conv_in` gave, and the middle. */
export function downAndMiddle(root: Scope, config: UnetConfig, parts: UnetParts, first: Value): { skips: Skip[]; middle: Skip } {
  const { res, attend, tap } = parts
  const channels = config.block_out_channels
  const levels = channels.length
  let x = first
  let width = channels[0]!
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
  x = res('mid_block.resnets.0', x, width, width)
  x = attend('mid_block.attentions.0', x, levels - 1)
  x = res('mid_block.resnets.1', x, width, width)
  tap('mid', x)
  return { skips, middle: { value: x, width } }
}
