import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { noiseScheduleFromConfig, type NoiseSchedule } from '../../diffusion/noise-schedule.ts'
import { OfgenError } from '../../errors.ts'
import { families, type Family } from '../family.ts'
import { defaultsOf, readDefaults } from '../model-defaults.ts'
import { textEncoderConfigSchema } from '../text-encoder.ts'
import { unetConfigSchema, type UnetConfig } from '../unet-config.ts'
import type { Checkpoint, CheckpointOptions, TextPart } from './checkpoint.ts'
import { tokenizerFolder } from './clip-vocabulary.ts'
import { demand, diffusersComponent, filesOf, vaeOfComponent, type Component } from './component.ts'
import { readConfig } from './config-file.ts'
import { openVae } from './open-vae.ts'
import { weightsOf } from './weights.ts'

/**
 * Opens a model in the folder layout that diffusers writes: finds its parts, reads their configs, checks the headers of
 * their weights.
 *
 * @throws OfgenError model_missing naming what is not there and what was expected; model_invalid for damaged weights and
 *   models of other kinds.
 */
export function openDiffusersFolder(path: string, options: CheckpointOptions = {}): Checkpoint {
  if (!existsSync(join(path, 'model_index.json')) && !existsSync(join(path, 'unet'))) {
    const other = existsSync(join(path, 'transformer')) ? ' It has transformer/, as Stable Diffusion 3 and Flux do.' : ''
    throw new OfgenError('model_missing', `${path} is no model folder: it has neither model_index.json nor unet/.`, {
      hint: `Give the folder that holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/.${other}`,
    })
  }
  const unet = diffusersComponent(join(path, 'unet'), 'diffusion_pytorch_model')
  const unetConfig = readConfig(unet.config, unetConfigSchema)
  const textEncoders = textComponents(path, unetConfig)
  const configs = textEncoders.map(({ component }) => readConfig(component.config, textEncoderConfigSchema))
  const family: Family =
    unetConfig.addition_embed_type === 'text_time' ? 'sdxl' : configs[0]!.hidden_act === 'gelu' ? 'sd2' : 'sd1'
  const tokenizer = tokenizerFolder(join(path, 'tokenizer'))
  const scheduler = demand(join(path, 'scheduler', 'scheduler_config.json'))
  const noise = readNoise(scheduler, options)
  const own = options.vae === undefined || existsSync(join(path, 'vae', 'config.json'))
  const ownVae = own ? vaeOfComponent(diffusersComponent(join(path, 'vae'), 'diffusion_pytorch_model')) : undefined
  const texts = textEncoders.map(({ component, tokenizer: folder }, i): TextPart => ({
    config: configs[i]!,
    weights: weightsOf(component.weights),
    pad: padOf(folder),
    pooled: family === 'sdxl' && i === textEncoders.length - 1,
  }))
  return {
    path,
    name: basename(path),
    family,
    hashBase: path,
    file: undefined,
    files: [
      ...filesOf(unet),
      ...textEncoders.flatMap(({ component }) => filesOf(component)),
      ...['vocab.json', 'merges.txt']
        .map((name) => join(tokenizer, name))
        .filter((file) => file.startsWith(path) && existsSync(file)),
      scheduler,
    ],
    unet: { config: unetConfig, weights: weightsOf(unet.weights) },
    texts,
    vae: options.vae === undefined ? ownVae! : openVae(options.vae, family),
    latentScale: ownVae?.config.scaling_factor ?? families[family].scalingFactor,
    tokenizer,
    noise,
    noiseFrom: options.prediction === undefined ? 'scheduler/scheduler_config.json' : '--prediction',
    defaults: readDefaults(path, defaultsOf(family, noise.predictionType)),
  }
}

function textComponents(path: string, unet: UnetConfig): { component: Component; tokenizer: string }[] {
  const part = (suffix: string): { component: Component; tokenizer: string } => ({
    component: diffusersComponent(join(path, `text_encoder${suffix}`), 'model'),
    tokenizer: join(path, `tokenizer${suffix}`),
  })
  if (unet.addition_embed_type !== 'text_time') return [part('')]
  if (!existsSync(join(path, 'text_encoder')) && existsSync(join(path, 'text_encoder_2')))
    throw new OfgenError(
      'model_invalid',
      `${path} is the refiner of Stable Diffusion XL: it has text_encoder_2/ but no text_encoder/.`,
      {
        hint: 'Give the base model.',
      },
    )
  return [part(''), part('_2')]
}

const padSchema = z.looseObject({
  pad_token: z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]).nullish(),
})

/** SD 2 and SDXL's second encoder fill up with "!", which is id 0; what the tokenizer's files say counts. */
export function padOf(folder: string): number | undefined {
  for (const name of ['special_tokens_map.json', 'tokenizer_config.json']) {
    const file = join(folder, name)
    const token = existsSync(file) ? readConfig(file, padSchema).pad_token : undefined
    if (typeof token === 'string') return token === '!' ? 0 : undefined
  }
  return undefined
}

/** The schedule of a scheduler_config.json, with what the user says of it. @throws OfgenError model_invalid. */
export function readNoise(file: string, { prediction, zeroSnr }: CheckpointOptions): NoiseSchedule {
  const config = readConfig(file, z.looseObject({}))
  return noiseScheduleFromConfig(
    {
      ...config,
      ...(prediction === undefined ? {} : { prediction_type: prediction === 'v' ? 'v_prediction' : 'epsilon' }),
      ...(zeroSnr === true ? { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' } : {}),
    },
    file,
  )
}
