import { Graph, type Value } from '../onnx/graph.ts'
import { conv, silu } from '../onnx/layers.ts'
import { scope, type Scope, type WeightSource } from '../onnx/scope.ts'
import { ofLevel, type UnetConfig } from './unet-config.ts'
import { downAndMiddle, unetParts, type UnetBuildOptions } from './unet-half.ts'

/** Widths of the layers that a hint passes, in order; the first and the last are those of `conv_in` and before `conv_out`. */
export interface ControlNetConfig {
  readonly hintChannels: readonly number[]
}

/**
 * A ControlNet: a copy of the UNet's way down that also sees a picture, the hint, and gives what is to be added to the UNet's values.
 *
 * Inputs as the UNet's (`in_channels` are the latent's), `hint` `[1 or batch, 3, 8 height, 8 width]` in 0..1, and `scale` `[1]`; results
 * `down_residual_N` and `mid_residual`, times the scale.
 *
 * @param config Of the UNet it belongs to.
 * @throws OfgenError model_invalid if a weight is missing or has other dimensions.
 * @see Zhang et al. 2023, arXiv:2302.05543
 */
export function buildControlNet(
  config: UnetConfig,
  { hintChannels }: ControlNetConfig,
  weights: WeightSource,
  options: UnetBuildOptions = {},
): Uint8Array {
  const graph = new Graph('controlnet')
  const root = scope(graph, weights)
  const first = config.block_out_channels[0]!
  const parts = unetParts(root, config, options)
  const side = 2 ** strides(hintChannels)
  const hint = graph.input('hint', 'float32', ['hints', 3, `${side} height`, `${side} width`])
  const scale = graph.input('scale', 'float32', [1])
  const start = graph.node('Add', [
    conv(root.at('conv_in'), parts.sample, { in: config.in_channels, out: first }),
    embedHint(root.at('controlnet_cond_embedding'), hint, hintChannels, first),
  ])
  const { skips, middle } = downAndMiddle(root, config, parts, start)
  const give = (name: string, at: Scope, value: Value, width: number): void => {
    const scaled = graph.node('Mul', [conv(at, value, { in: width, out: width, kernel: 1 }), scale])
    graph.output(name, scaled, 'float32', ['batch', width, `${name} height`, `${name} width`])
  }
  for (const [i, { value, width }] of skips.entries())
    give(`down_residual_${i}`, root.at(`controlnet_down_blocks.${i}`), value, width)
  give('mid_residual', root.at('controlnet_mid_block'), middle.value, middle.width)
  return graph.toModel()
}

/** Names of what a ControlNet gives, and of the UNet's inputs for it. */
export function residualNames({ block_out_channels: channels, layers_per_block: layers }: UnetConfig): string[] {
  // What conv_in gives, what each layer gives, and what each level but the last is halved to.
  const count = channels.reduce((sum, _, level) => sum + ofLevel(layers, level) + 1, 0)
  return [...Array.from({ length: count }, (_, i) => `down_residual_${i}`), 'mid_residual']
}

/** Halvings on the hint's way to the latent's size. */
export function strides(hintChannels: readonly number[]): number {
  return hintChannels.length - 1
}

/** Between two widths a layer that keeps width and size, then one that widens and halves. */
function embedHint(at: Scope, hint: Value, channels: readonly number[], out: number): Value {
  const { graph } = at
  let x = silu(graph, conv(at.at('conv_in'), hint, { in: 3, out: channels[0]! }))
  for (let i = 0; i < channels.length - 1; i++) {
    const [from, to] = [channels[i]!, channels[i + 1]!]
    x = silu(graph, conv(at.at(`blocks.${2 * i}`), x, { in: from, out: from }))
    x = silu(graph, conv(at.at(`blocks.${2 * i + 1}`), x, { in: from, out: to, stride: 2 }))
  }
  return conv(at.at('conv_out'), x, { in: channels.at(-1)!, out })
}
