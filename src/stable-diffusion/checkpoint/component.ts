import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { OfgenError } from '../../errors.ts'
import { taesdConfigSchema } from '../taesd.ts'
import { klConfigSchema } from '../vae.ts'
import type { VaePart } from './checkpoint.ts'
import { readConfig } from './config-file.ts'
import { openTensorFile } from './open-tensor-file.ts'
import type { TensorFile } from './tensor-file.ts'
import { weightsOf } from './weights.ts'

/** One network of a diffusers folder: its config and its weights (several files where they are sharded). */
export interface Component {
  readonly config: string
  readonly weights: readonly TensorFile[]
}

const shardIndexSchema = z.object({
  weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+\.(safetensors|bin)$/, 'must name a file beside the index')),
})

/**
 * Opens a component. The full-precision file comes first, then fp16, then any other variant, each whole or in shards with an
 * index; PyTorch's `.bin` files where there are none of safetensors.
 *
 * @param stem `model` for text encoders, `diffusion_pytorch_model` for the rest.
 * @throws OfgenError model_missing naming what was expected, model_invalid for damaged weights and for tensors that the
 *   index has and the shards do not.
 */
export function diffusersComponent(folder: string, stem: 'model' | 'diffusion_pytorch_model'): Component {
  const config = demand(join(folder, 'config.json'))
  const names = readdirSync(folder)
  for (const [name, ending] of [
    [stem, 'safetensors'],
    [stem === 'model' ? 'pytorch_model' : stem, 'bin'],
  ] as const)
    for (const variant of variantsOf(names, name, ending)) {
      const whole = `${name}${variant}.${ending}`
      if (names.includes(whole)) return { config, weights: [openTensorFile(join(folder, whole))] }
      const index = [`${name}.${ending}.index${variant}.json`, `${name}${variant}.${ending}.index.json`].find((one) =>
        names.includes(one),
      )
      if (index !== undefined) return { config, weights: openShards(folder, join(folder, index)) }
    }
  const other = names.find((name) => /\.(ckpt|pt|msgpack|onnx|h5)$/.test(name))
  throw new OfgenError(
    'model_missing',
    `${folder} has no weights: ${stem}.safetensors (or ${stem}.fp16.safetensors) is expected.`,
    {
      hint:
        other === undefined
          ? 'The download is incomplete: fetch the model again.'
          : `${other} is not read: fetch the .safetensors files of the model, or save it again with diffusers.`,
    },
  )
}

/** Full precision, fp16, and whatever else is there. */
function variantsOf(names: readonly string[], stem: string, ending: string): string[] {
  const pattern = new RegExp(`^${stem}\\.([\\w-]+?)(?:-\\d+-of-\\d+)?\\.${ending}(?:\\.index\\.json)?$`)
  const others = names.map((name) => pattern.exec(name)?.[1]).filter((variant) => variant !== undefined)
  return ['', '.fp16', ...others.map((name) => `.${name}`)]
}

function openShards(folder: string, index: string): TensorFile[] {
  const map = Object.entries(readConfig(index, shardIndexSchema).weight_map)
  const files = new Map(
    [...new Set(map.map(([, name]) => name))].toSorted().map((name) => [name, openTensorFile(join(folder, name))]),
  )
  for (const [tensor, name] of map)
    if (!files.get(name)!.tensors.has(tensor))
      throw new OfgenError('model_invalid', `${join(folder, name)} has no tensor "${tensor}", which ${index} says is there.`, {
        hint: 'The shards do not belong together: fetch the model again.',
      })
  return [...files.values()]
}

/** @throws OfgenError model_missing. */
export function demand(file: string): string {
  if (existsSync(file)) return file
  throw new OfgenError('model_missing', `The model file ${file} is missing.`, {
    hint: 'A model folder holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/ as diffusers saves them.',
  })
}

/** The files that a component's hash covers. */
export function filesOf({ config, weights }: Component): string[] {
  return [config, ...weights.map(({ path }) => path)]
}

/** An autoencoder by its config: Stable Diffusion's own or a tiny one. */
export function vaeOfComponent(component: Component): VaePart {
  const { config, weights } = component
  const part = { weights: weightsOf(weights), files: filesOf(component) }
  if ('encoder_block_out_channels' in readConfig(config, z.looseObject({})))
    return { kind: 'tiny', config: readConfig(config, taesdConfigSchema), ...part }
  return { kind: 'kl', config: readConfig(config, klConfigSchema), ...part }
}
