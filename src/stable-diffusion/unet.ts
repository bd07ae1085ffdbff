import { doubledConv } from '../onnx/doubled-conv.ts'
import { Graph } from '../onnx/graph.ts'
import { conv, groupNorm, silu } from '../onnx/layers.ts'
import { scope, type WeightSource } from '../onnx/scope.ts'
import { ofLevel, type UnetConfig } from './unet-config.ts'
import { downAndMiddle, unetParts, type Skip, type UnetBuildOptions } from './unet-half.ts'

export interface UnetOptions extends UnetBuildOptions {
  /** Whether the network takes in what ControlNets give. */
  readonly controlled?: boolean
}

/**
 * The denoising network of Stable Diffusion (diffusers' UNet2DConditionModel) for any batch and latent size.
 *
 * Inputs `sample` `[batch, in_channels, height, width]`, `timestep` `[1 or batch]` (may be fractional),
 * `encoder_hidden_states` `[batch, tokens, cross_attention_dim]`; result `out_sample` `[batch, out_channels, height, width]`.
 * SDXL also takes `text_embeds` `[batch, pooled width]` and `time_ids` `[batch, 6]`: height and width of the original, top and
 * left of the crop, height and width of the target, in pixels.
 * Where it is controlled also `down_residual_N` and `mid_residual`, which are added to the values between the blocks: as these
 * are, or of dimensions that stretch to theirs.
 *
 * @throws OfgenError model_invalid if a weight is missing or has other dimensions than the config says.
 * @see Rombach et al. 2022, arXiv:2112.10752
 */
export function buildUnet(config: UnetConfig, weights: WeightSource, options: UnetOptions = {}): Uint8Array {
  const graph = new Graph('unet')
  const root = scope(graph, weights)
  const channels = config.block_out_channels
  const levels = channels.length
  const first = channels[0]!

  // 1. Inputs, time, the way down and the middle
  const parts = unetParts(root, config, options)
  const start = conv(root.at('conv_in'), parts.sample, { in: config.in_channels, out: first })
  parts.tap('conv_in', start)
  let { skips, middle } = downAndMiddle(root, config, parts, start)
  if (options.controlled === true) {
    skips = skips.map((skip, i) => withResidual(graph, `down_residual_${i}`, skip))
    middle = withResidual(graph, 'mid_residual', middle)
  }

  // 2. Up, innermost level first
  let { value: x, width } = middle
  for (let i = 0; i < levels; i++) {
    const level = levels - 1 - i
    const path = `up_blocks.${i}`
    for (let j = 0; j <= ofLevel(config.layers_per_block, level); j++) {
      const skip = skips.pop()!
      x = graph.node('Concat', [x, skip.value], { axis: 1 })
      x = parts.res(`${path}.resnets.${j}`, x, width + skip.width, channels[level]!)
      width = channels[level]!
      if (config.up_block_types[i] === 'CrossAttnUpBlock2D') x = parts.attend(`${path}.attentions.${j}`, x, level)
    }
    const next = skips.at(-1)
    if (next !== undefined) x = doubledConv(root.at(`${path}.upsamplers.0.conv`), x, { in: width, out: width, like: next.value })
    parts.tap(`up${i}`, x)
  }

  // 3. Out
  x = silu(
    graph,
    groupNorm(root.at('conv_norm_out'), x, { channels: first, groups: config.norm_num_groups, epsilon: config.norm_eps }),
  )
  x = conv(root.at('conv_out'), x, { in: first, out: config.out_channels })
  graph.output('out_sample', x, 'float32', ['batch', config.out_channels, 'height', 'width'])
  return graph.toModel()
}

/** Adds an input to a value. Its sides are its own: a single zero stands for no residual. */
function withResidual(graph: Graph, name: string, { value, width }: Skip): Skip {
  const sides = ['batch', 'channels', 'height', 'width'].map((side) => `${name}_${side}`)
  return { value: graph.node('Add', [value, graph.input(name, 'float32', sides)]), width }
}
