import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { adaptedModel, portsOf, type Adaptation, type Port } from '../../onnx/exported-model.ts'
import type { WeightSource } from '../../onnx/scope.ts'
import { families, type Family } from '../family.ts'
import { defaultsOf, readDefaults } from '../model-defaults.ts'
import { textEncoderConfigSchema } from '../text-encoder.ts'
import { unetConfigSchema } from '../unet-config.ts'
import { klConfigSchema } from '../vae.ts'
import type { Checkpoint, CheckpointOptions } from './checkpoint.ts'
import { tokenizerFolder } from './clip-vocabulary.ts'
import { demand } from './component.ts'
import { readConfig } from './config-file.ts'
import { padOf, readNoise } from './diffusers-folder.ts'
import { openVae } from './open-vae.ts'

/** Whether a folder holds graphs as Optimum and the ONNX pipelines of diffusers save them. */
export function isOnnxFolder(path: string): boolean {
  return existsSync(join(path, 'unet', 'model.onnx'))
}

/**
 * Opens a folder of exported ONNX graphs with their config.json files: unet/, text_encoder/ (text_encoder_2/),
 * vae_encoder/, vae_decoder/, each with model.onnx, and scheduler/.
 *
 * @throws OfgenError model_missing naming what is not there; model_invalid for graphs that take or give something else than
 *   Stable Diffusion's do.
 */
export function openOnnxFolder(path: string, options: CheckpointOptions = {}): Checkpoint {
  const config = (part: string): string => {
    const file = join(path, part, 'config.json')
    if (existsSync(file)) return file
    throw new OfgenError('model_missing', `The model file ${file} is missing.`, {
      hint: 'Export the model again with Optimum, which writes a config.json beside each graph.',
    })
  }
  const unet = readConfig(config('unet'), unetConfigSchema)
  const pooled = unet.addition_embed_type === 'text_time'
  const textParts = pooled ? ['text_encoder', 'text_encoder_2'] : ['text_encoder']
  const textConfigs = textParts.map((part) => readConfig(config(part), textEncoderConfigSchema))
  const family: Family = pooled ? 'sdxl' : textConfigs[0]!.hidden_act === 'gelu' ? 'sd2' : 'sd1'
  const vae = readConfig(config('vae_decoder'), klConfigSchema)
  const scheduler = demand(join(path, 'scheduler', 'scheduler_config.json'))
  const noise = readNoise(scheduler, options)
  const tokenizer = tokenizerFolder(join(path, 'tokenizer'))

  const warnings: string[] = []
  const encoder = exportedGraph(join(path, 'vae_encoder'), {
    inputs: [{ name: 'image', type: 'float32', theirs: ['sample'] }],
    outputs: [{ name: 'latent', theirs: ['latent_parameters', 'latent_sample'] }],
  })
  if (encoder.outputs[0] === 'latent_sample')
    warnings.push(
      `${path}: the exported encoder draws its latents at random, so that renders cannot be repeated exactly; newer exports do not.`,
    )
  const normed = families[family].normed
  const texts = textParts.map((part, i) => {
    const states = normed ? ['last_hidden_state'] : [`hidden_states.${textConfigs[i]!.num_hidden_layers - 1}`]
    const outputs = [
      { name: 'last_hidden_state', theirs: states },
      ...(i === 1 ? [{ name: 'text_embeds', theirs: ['text_embeds'] }] : []),
    ]
    return exportedGraph(join(path, part), { inputs: [{ name: 'input_ids', type: 'int32', theirs: ['input_ids'] }], outputs })
  })
  const inputs = ['sample', 'timestep', 'encoder_hidden_states', ...(pooled ? ['text_embeds', 'time_ids'] : [])]
  const network = exportedGraph(join(path, 'unet'), {
    inputs: inputs.map((name) => ({ name, type: 'float32', theirs: [name] })),
    outputs: [{ name: 'out_sample', theirs: ['out_sample'] }],
  })
  const decoder = exportedGraph(join(path, 'vae_decoder'), {
    inputs: [{ name: 'latent', type: 'float32', theirs: ['latent_sample'] }],
    outputs: [{ name: 'image', theirs: ['sample'] }],
  })
  const parts = [...textParts, 'unet', 'vae_encoder', 'vae_decoder']
  return {
    path,
    name: basename(path),
    family,
    hashBase: path,
    files: [...parts.flatMap((part) => filesIn(join(path, part))), scheduler],
    file: undefined,
    exported: {
      texts: texts.map(({ model }) => model),
      unet: network.model,
      encoder: encoder.model,
      decoder: decoder.model,
      warnings,
    },
    unet: { config: unet, weights: sealed(path) },
    texts: textParts.map((part, i) => ({
      config: textConfigs[i]!,
      weights: sealed(path),
      pad: padOf(join(path, part.replace('text_encoder', 'tokenizer'))),
      pooled: i === 1,
    })),
    vae: options.vae === undefined ? { kind: 'kl', config: vae, weights: sealed(path), files: [] } : openVae(options.vae, family),
    latentScale: vae.scaling_factor,
    tokenizer,
    noise,
    noiseFrom: options.prediction === undefined ? 'scheduler/scheduler_config.json' : '--prediction',
    defaults: readDefaults(path, defaultsOf(family, noise.predictionType)),
  }
}

interface Wanted {
  readonly inputs: readonly { readonly name: string; readonly type: 'float32' | 'int32'; readonly theirs: readonly string[] }[]
  readonly outputs: readonly { readonly name: string; readonly theirs: readonly string[] }[]
}

/** The graph of a folder under our names, and which of their results were taken. */
function exportedGraph(folder: string, wanted: Wanted): { model: Uint8Array; outputs: string[] } {
  const path = demand(join(folder, 'model.onnx'))
  const bytes = readFileSync(path)
  const ports = portsOf(bytes, path)
  const port = (list: readonly Port[], names: readonly string[], kind: string): Port => {
    for (const name of names) {
      const found = list.find((candidate) => candidate.name === name)
      if (found !== undefined) return found
    }
    throw new OfgenError(
      'model_invalid',
      `${path} has no ${kind} "${names.join('" or "')}"; it has ${list
        .map(({ name }) => name)
        .slice(0, 8)
        .join(', ')}.`,
      { hint: 'Folders as Optimum exports them for Stable Diffusion 1, 2 and XL are read.' },
    )
  }
  const adaptation: Adaptation = {
    inputs: wanted.inputs.map(({ name, type, theirs }) => ({ name, type, port: port(ports.inputs, theirs, 'input') })),
    outputs: wanted.outputs.map(({ name, theirs }) => ({ name, port: port(ports.outputs, theirs, 'result') })),
  }
  const left = ports.inputs.find((input) => adaptation.inputs.every((used) => used.port !== input))
  if (left !== undefined)
    throw new OfgenError('model_invalid', `${path} wants the input "${left.name}", which is not supported.`, {
      hint: 'Folders as Optimum exports them for Stable Diffusion 1, 2 and XL are read.',
    })
  const fixed = adaptation.inputs.find(
    ({ name, port: { dims } }) =>
      name !== 'timestep' && dims?.slice(2).some((side) => typeof side === 'number') && /sample|image|latent/.test(name),
  )
  if (fixed !== undefined)
    throw new OfgenError('model_invalid', `${path} is exported for pictures of one size only (${fixed.port.dims!.join('x')}).`, {
      hint: 'Export it with dynamic shapes, which is the default of Optimum.',
    })
  return { model: adaptedModel(bytes, path, folder, adaptation), outputs: adaptation.outputs.map((used) => used.port.name) }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(folder, name))
}

/** Weights that lie inside of graphs. */
function sealed(path: string): WeightSource {
  return { title: path, has: () => false, find: () => undefined }
}
