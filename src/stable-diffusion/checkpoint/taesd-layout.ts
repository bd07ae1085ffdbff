import type { WeightSource } from '../../onnx/scope.ts'
import type { TensorFile } from './tensor-file.ts'
import { weightsOf } from './weights.ts'

/**
 * The two files of the original tiny autoencoder as diffusers names their weights. The decoder's first layer there is the
 * clamp, so that its numbers are one higher.
 */
export function originalTaesd(encoder: TensorFile, decoder: TensorFile): WeightSource {
  const sides = {
    encoder: weightsOf([encoder], (name) => ({ name: name.replace(/^encoder\.layers\./, '') })),
    decoder: weightsOf([decoder], (name) => ({
      name: name.replace(/^decoder\.layers\.(\d+)/, (_, i) => String(Number(i) + 1)),
    })),
  }
  const side = (name: string): WeightSource => (name.startsWith('decoder.') ? sides.decoder : sides.encoder)
  return {
    title: `${encoder.path} with ${decoder.path}`,
    nameOf: (name) => side(name).nameOf!(name),
    has: (name) => side(name).has(name),
    find: (name, dims) => side(name).find(name, dims),
  }
}

/** The `config.json` of an AutoencoderTiny, read off its tensors under diffusers' names; undefined if it is none. */
export function taesdConfigOf(
  dims: (name: string) => readonly number[] | undefined,
  latentScale = 1,
): Record<string, unknown> | undefined {
  const first = dims('encoder.layers.0.weight')
  const last = dims('decoder.layers.0.weight')
  if (first === undefined || last === undefined) return undefined
  const encoder = sideLevels((i) => (isBlock('encoder', i) ? 'block' : dims(`encoder.layers.${i}.weight`)), 0)
  // Behind the first convolution lies an activation, before each further one an upsampling.
  const decoder = sideLevels((i) => (isBlock('decoder', i) ? 'block' : dims(`decoder.layers.${i}.weight`)), 2)
  return {
    latent_channels: last[1],
    encoder_block_out_channels: encoder.widths.slice(0, -1),
    num_encoder_blocks: encoder.blocks.slice(0, -1),
    decoder_block_out_channels: decoder.widths.map(() => last[0]),
    num_decoder_blocks: decoder.blocks.slice(0, decoder.widths.length),
    scaling_factor: latentScale,
  }

  function isBlock(side: string, i: number): boolean {
    return dims(`${side}.layers.${i}.conv.0.weight`) !== undefined
  }
}

/** Widths of the convolutions between runs of blocks, and how many blocks follow (encoder) or precede (decoder) each. */
function sideLevels(
  layer: (i: number) => 'block' | readonly number[] | undefined,
  start: number,
): { widths: number[]; blocks: number[] } {
  const widths: number[] = []
  const blocks: number[] = []
  let run = 0
  let gap = 0
  for (let i = start; gap < 2; i++) {
    const here = layer(i)
    gap = here === undefined ? gap + 1 : 0
    if (here === 'block') run++
    else if (here !== undefined) {
      widths.push(here[0]!)
      if (start > 0 || widths.length > 1) blocks.push(run)
      run = 0
    }
  }
  if (start === 0) blocks.push(run)
  return { widths, blocks }
}
