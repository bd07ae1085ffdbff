import { z } from 'zod'
import { doubledConv } from '../onnx/doubled-conv.ts'
import { Graph, type Value } from '../onnx/graph.ts'
import { conv } from '../onnx/layers.ts'
import { scope, type Scope, type WeightSource } from '../onnx/scope.ts'

/** The part of an AutoencoderTiny's `config.json` that decides its layers. */
export const taesdConfigSchema = z
  .object({
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    latent_channels: z.int().positive().default(4),
    encoder_block_out_channels: z.array(z.int().positive()).min(1),
    decoder_block_out_channels: z.array(z.int().positive()).min(1),
    num_encoder_blocks: z.array(z.int().nonnegative()),
    num_decoder_blocks: z.array(z.int().nonnegative()),
    act_fn: z.literal('relu').default('relu'),
    upsampling_scaling_factor: z.literal(2).default(2),
    upsample_fn: z.literal('nearest').default('nearest'),
    scaling_factor: z.number().positive().default(1),
    shift_factor: z.literal(0).default(0),
  })
  .superRefine((config, context) => {
    for (const side of ['encoder', 'decoder'] as const)
      if (config[`num_${side}_blocks`].length !== config[`${side}_block_out_channels`].length)
        context.addIssue({
          code: 'custom',
          path: [`num_${side}_blocks`],
          message: `needs as many entries as ${side}_block_out_channels`,
        })
  })

export type TaesdConfig = z.output<typeof taesdConfigSchema>

/**
 * Encoder of a tiny autoencoder (diffusers' AutoencoderTiny). Input `image` `[batch, 3, height, width]` in -1..1, result
 * `latent`, smaller by two for each level after the first.
 *
 * @throws OfgenError model_invalid as `buildUnet`.
 * @see https://github.com/madebyollin/taesd
 */
export function buildTaesdEncoder(config: TaesdConfig, weights: WeightSource): Uint8Array {
  const graph = new Graph('taesd_encoder')
  const layers = numbered(scope(graph, weights, 'encoder.layers'))
  const image = graph.input('image', 'float32', ['batch', 3, 'height', 'width'])
  let x = graph.node('Mul', [graph.node('Add', [image, graph.scalar(1)]), graph.scalar(0.5)])
  let width: number = config.in_channels
  for (const [level, count] of config.num_encoder_blocks.entries()) {
    const next = config.encoder_block_out_channels[level]!
    if (level === 0) x = conv(layers.next(), x, { in: width, out: next })
    else x = conv(layers.next(), x, { in: next, out: next, stride: 2, bias: false })
    width = next
    for (let i = 0; i < count; i++) x = block(layers.next(), x, width)
  }
  x = conv(layers.next(), x, { in: width, out: config.latent_channels })
  graph.output('latent', x, 'float32', ['batch', config.latent_channels, 'latentHeight', 'latentWidth'])
  return graph.toModel()
}

/** Decoder of a tiny autoencoder. Input `latent`, result `image` in about -1..1, not clamped. @throws as the encoder. */
export function buildTaesdDecoder(config: TaesdConfig, weights: WeightSource): Uint8Array {
  const graph = new Graph('taesd_decoder')
  const layers = numbered(scope(graph, weights, 'decoder.layers'))
  const latent = graph.input('latent', 'float32', ['batch', config.latent_channels, 'latentHeight', 'latentWidth'])
  const third = graph.node('Mul', [latent, graph.scalar(1 / 3)])
  let x = graph.node('Mul', [graph.node('Tanh', [third]), graph.scalar(3)])
  const widths = config.decoder_block_out_channels
  x = graph.node('Relu', [conv(layers.next(), x, { in: config.latent_channels, out: widths[0]! })])
  layers.next()
  for (const [level, count] of config.num_decoder_blocks.entries()) {
    const width = widths[level]!
    for (let i = 0; i < count; i++) x = block(layers.next(), x, width)
    if (level < widths.length - 1) {
      layers.next()
      x = doubledConv(layers.next(), x, { in: width, out: width, bias: false })
    } else x = conv(layers.next(), x, { in: width, out: config.out_channels })
  }
  x = graph.node('Sub', [graph.node('Mul', [x, graph.scalar(2)]), graph.scalar(1)])
  graph.output('image', x, 'float32', ['batch', 3, 'height', 'width'])
  return graph.toModel()
}

/** Three 3x3 convolutions beside a shortcut. */
function block(at: Scope, x: Value, width: number): Value {
  const { graph } = at
  const square = { in: width, out: width }
  let y = graph.node('Relu', [conv(at.at('conv.0'), x, square)])
  y = graph.node('Relu', [conv(at.at('conv.2'), y, square)])
  y = conv(at.at('conv.4'), y, square)
  return graph.node('Relu', [graph.node('Add', [y, x])])
}

/** The layers lie in one list; those without weights (activations, upsampling) count too. */
function numbered(at: Scope): { next(): Scope } {
  let i = 0
  return { next: () => at.at(String(i++)) }
}
