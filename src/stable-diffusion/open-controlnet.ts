import { existsSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { OfgenError } from '../errors.ts'
import type { WeightSource } from '../onnx/scope.ts'
import { hashFiles } from './checkpoint/hash.ts'
import { ldmUnetName } from './checkpoint/ldm-unet.ts'
import { openTensorFile } from './checkpoint/open-tensor-file.ts'
import type { TensorFile } from './checkpoint/tensor-file.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildControlNet } from './controlnet.ts'
import { ofLevel, type UnetConfig } from './unet-config.ts'
import type { UnetBuildOptions } from './unet-half.ts'

/** What a ControlNet has to know of a model's latents. */
export interface LatentFacts {
  readonly latentChannels: number
  /** Picture pixels per latent cell along a side. */
  readonly scale: number
}

/** A ControlNet whose files were found and understood. */
export interface ControlNetFile {
  readonly path: string
  readonly name: string
  readonly hash: string
  /**
   * Its graph for a model.
   *
   * @throws OfgenError model_invalid if it belongs to another family.
   */
  build(unet: UnetConfig, latent: LatentFacts, options?: UnetBuildOptions): Uint8Array
}

/**
 * Reads a ControlNet: a folder in the diffusers layout, or one file in that or in the original layout (`control_model.`).
 *
 * @throws OfgenError model_missing, model_invalid for damaged files and what is no ControlNet.
 */
export function openControlNet(path: string): ControlNetFile {
  const file = openTensorFile(weightsFile(path))
  const prefix = prefixOf(file)
  const source = (config: UnetConfig): WeightSource =>
    weightsOf([file], prefix === undefined ? undefined : (name) => ({ name: prefix + ldmName(name, config) }))
  const hintChannels = hintWidths(file, prefix)
  return {
    path,
    name: basename(path, extname(path)),
    hash: hashFiles(file.path, [file.path]),
    build(unet, { latentChannels, scale }, options) {
      const own = 2 ** (hintChannels.length - 1)
      if (scale !== own)
        throw new OfgenError(
          'model_invalid',
          `The ControlNet ${path} does not fit this model: it takes ${own} pixels of its map to a latent cell, the model has ${scale}.`,
        )
      const weights = source(unet)
      const dims = (name: string): readonly number[] | undefined => weights.find(name, [])?.dims
      const seen = dims('mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight')?.[1]
      const width = dims('conv_in.weight')?.[0]
      if (seen !== unet.cross_attention_dim || width !== unet.block_out_channels[0])
        throw new OfgenError(
          'model_invalid',
          `The ControlNet ${path} does not fit this model: it is made for prompts of width ${seen ?? 'unknown'}${familyOf(seen)}, the model's are ${unet.cross_attention_dim}${familyOf(unet.cross_attention_dim)}.`,
          { hint: 'A ControlNet only works with the family it was trained for (Stable Diffusion 1, 2 or XL).' },
        )
      return buildControlNet(likeItsWeights(unet, weights, latentChannels), { hintChannels }, weights, options)
    },
  }
}

const families: Readonly<Record<number, string>> = {
  768: ' (Stable Diffusion 1)',
  1024: ' (Stable Diffusion 2)',
  2048: ' (SDXL)',
}

function familyOf(width: number | undefined): string {
  return families[width ?? 0] ?? ''
}

function weightsFile(path: string): string {
  if (!existsSync(path))
    throw new OfgenError('model_missing', `There is no ControlNet at ${path}.`, {
      hint: 'Give a .safetensors file, or a folder in the diffusers layout.',
    })
  if (!statSync(path).isDirectory()) return path
  const names = ['.safetensors', '.fp16.safetensors', '.bin'].map((ending) => `diffusion_pytorch_model${ending}`)
  const found = names.map((name) => join(path, name)).find((file) => existsSync(file))
  if (found === undefined)
    throw new OfgenError('model_missing', `${path} has no ControlNet: ${names[0]} is expected.`, {
      hint: 'Give the folder that holds config.json and the weights, or the file itself.',
    })
  return found
}

/** What stands before the names of the original layout; undefined for diffusers' names. */
function prefixOf({ path, tensors }: TensorFile): string | undefined {
  if (tensors.has('controlnet_cond_embedding.conv_in.weight')) return undefined
  const keys = [...tensors.keys()]
  const hint = 'input_hint_block.0.weight'
  const first = keys.find((key) => key.endsWith(hint))
  if (tensors.has('lora_controlnet'))
    throw new OfgenError('model_invalid', `${path} is a Control-LoRA; only whole ControlNets are read.`, {
      hint: 'Use the ControlNet that it was made from.',
    })
  if (keys.some((key) => /^(adapter\.)?(body\.0\.|conv_in\.)/.test(key)) && !keys.some((key) => key.startsWith('down_blocks.')))
    throw new OfgenError('model_invalid', `${path} is a T2I adapter; only ControlNets are read.`, {
      hint: 'Use a ControlNet for the same kind of map.',
    })
  if (first === undefined)
    throw new OfgenError(
      'model_invalid',
      `${path} is no ControlNet: it has neither controlnet_cond_embedding nor input_hint_block.`,
      { hint: 'A ControlNet is given with --control, a checkpoint with --model, a LoRA with --lora.' },
    )
  return first.slice(0, -hint.length)
}

/** The original layout's name for one of diffusers'. The hint's layers are counted with the activations between them. */
function ldmName(name: string, config: UnetConfig): string {
  const [, kind, rest] = /^controlnet_(cond_embedding|down_blocks|mid_block)\.(.*)$/.exec(name) ?? []
  if (kind === 'down_blocks') return `zero_convs.${rest!.replace('.', '.0.')}`
  if (kind === 'mid_block') return `middle_block_out.0.${rest!}`
  if (kind === 'cond_embedding')
    return `input_hint_block.${rest!
      .replace(/^conv_in/, '0')
      .replace(/^conv_out/, '14')
      .replace(/^blocks\.(\d+)/, (_, n: string) => String(2 * Number(n) + 2))}`
  return ldmUnetName(name, config) ?? name
}

function hintWidths({ path, tensors }: TensorFile, prefix: string | undefined): number[] {
  const name = (i: number): string => {
    if (prefix !== undefined) return `${prefix}input_hint_block.${4 * i}.weight`
    return `controlnet_cond_embedding.${i === 0 ? 'conv_in' : `blocks.${2 * i - 1}`}.weight`
  }
  const widths: number[] = []
  for (let i = 0; tensors.has(name(i)) && (prefix === undefined || i < 4); i++) {
    const { dims } = tensors.get(name(i))!
    if (i === 0 && dims[1] !== 3)
      throw new OfgenError('model_invalid', `${path} takes hints of ${dims[1]} channels; accepted are 3 (RGB).`)
    widths.push(dims[0]!)
  }
  return widths
}

/** The model's config with the ControlNet's own attention: small ones leave it out at outer levels. */
function likeItsWeights(unet: UnetConfig, weights: WeightSource, latentChannels: number): UnetConfig {
  const levels = unet.block_out_channels.map((_, level) => level)
  const attends = (level: number): boolean => weights.has(`down_blocks.${level}.attentions.0.proj_in.weight`)
  const depth = (level: number): number => {
    const place = attends(level) ? `down_blocks.${level}.attentions.0` : 'mid_block.attentions.0'
    let count = 0
    while (weights.has(`${place}.transformer_blocks.${count}.attn1.to_q.weight`)) count++
    return attends(level) || level === levels.length - 1 ? count : ofLevel(unet.transformer_layers_per_block, level)
  }
  return {
    ...unet,
    in_channels: latentChannels,
    down_block_types: levels.map((level) => (attends(level) ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    transformer_layers_per_block: levels.map((level) => Math.max(1, depth(level))),
  }
}
