import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { OfgenError } from '../../errors.ts'
import { readConfig } from './config-file.ts'
import { openSafetensors } from './safetensors.ts'
import type { TensorFile } from './tensor-file.ts'

/** One network of a model: its config and its weights (several files where they are sharded). */
export interface Component {
  readonly config: string
  readonly weights: readonly TensorFile[]
}

/** A model in the folder layout that diffusers writes. */
export interface DiffusersFolder {
  readonly path: string
  readonly unet: Component
  readonly vae: Component
  readonly textEncoder: Component
  /** Folder of vocab.json and merges.txt. */
  readonly tokenizer: string
  readonly schedulerConfig: string
}

/**
 * Finds the parts of a model and checks the headers of its weights.
 *
 * @throws OfgenError model_missing naming what is not there and what was expected; model_invalid for damaged weights.
 */
export function openDiffusersFolder(path: string): DiffusersFolder {
  if (!existsSync(path))
    throw new OfgenError('model_missing', `There is no model at ${path}.`, {
      hint: 'Give a folder in the diffusers layout (model_index.json, unet/, vae/, text_encoder/, tokenizer/, scheduler/).',
    })
  if (!statSync(path).isDirectory())
    throw new OfgenError('model_invalid', `${path} is a file; only folders in the diffusers layout are read.`, {
      hint: 'Convert a single-file checkpoint with diffusers: from_single_file(...), then save_pretrained(...).',
    })
  if (!existsSync(join(path, 'model_index.json')) && !existsSync(join(path, 'unet')))
    throw new OfgenError('model_missing', `${path} is no model folder: it has neither model_index.json nor unet/.`, {
      hint: 'Give the folder that holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/.',
    })
  const tokenizer = join(path, 'tokenizer')
  for (const file of ['vocab.json', 'merges.txt']) demand(join(tokenizer, file))
  return {
    path,
    unet: component(join(path, 'unet'), 'diffusion_pytorch_model'),
    vae: component(join(path, 'vae'), 'diffusion_pytorch_model'),
    textEncoder: component(join(path, 'text_encoder'), 'model'),
    tokenizer,
    schedulerConfig: demand(join(path, 'scheduler', 'scheduler_config.json')),
  }
}

const shardIndexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+\.safetensors$/)) })

/** The full-precision file comes first, then the fp16 one; each whole or in shards with an index. */
function component(folder: string, stem: string): Component {
  const config = demand(join(folder, 'config.json'))
  for (const variant of ['', '.fp16']) {
    const whole = join(folder, `${stem}${variant}.safetensors`)
    if (existsSync(whole)) return { config, weights: [openSafetensors(whole)] }
    const index = join(folder, `${stem}.safetensors.index${variant}.json`)
    if (existsSync(index)) {
      const names = new Set(Object.values(readConfig(index, shardIndexSchema).weight_map))
      return { config, weights: [...names].toSorted().map((name) => openSafetensors(join(folder, name))) }
    }
  }
  const other = readdirSync(folder).find((name) => /\.(bin|ckpt|pt|msgpack|onnx)$/.test(name))
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

function demand(file: string): string {
  if (existsSync(file)) return file
  throw new OfgenError('model_missing', `The model file ${file} is missing.`, {
    hint: 'A model folder holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/ as diffusers saves them.',
  })
}
