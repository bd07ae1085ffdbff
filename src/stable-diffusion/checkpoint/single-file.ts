import { basename, extname, join } from 'node:path'
import type { z } from 'zod'
import { noiseScheduleFromConfig } from '../../diffusion/noise-schedule.ts'
import { OfgenError } from '../../errors.ts'
import { families, type Family } from '../family.ts'
import { defaultsOf } from '../model-defaults.ts'
import { textEncoderConfigSchema } from '../text-encoder.ts'
import { pooledWidth, unetConfigSchema, type UnetConfig } from '../unet-config.ts'
import type { Checkpoint, CheckpointOptions, TextPart } from './checkpoint.ts'
import { clipConfig, openClipConfig, openClipPlace } from './clip-layout.ts'
import { clipTokenizerPath } from './clip-vocabulary.ts'
import { checkConfig, readConfig } from './config-file.ts'
import { ldmUnetConfig, ldmUnetName } from './ldm-unet.ts'
import { openVae, vaeInFile } from './open-vae.ts'
import { detectPrediction } from './prediction-type.ts'
import { recognise, textPrefixes, unetPrefix, vaePrefix } from './recognise.ts'
import type { TensorFile } from './tensor-file.ts'
import { weightsOf } from './weights.ts'

/**
 * Opens a checkpoint in one file, in the LDM layout that A1111 and ComfyUI read. The family is told by the tensors, the
 * configs are read off them.
 *
 * @throws OfgenError model_invalid naming what the file is instead, or what it lacks.
 */
export function openSingleFile(file: TensorFile, options: CheckpointOptions = {}): Checkpoint {
  const { path, tensors } = file
  const recognised = recognise(tensors)
  if (recognised.kind === 'other')
    throw new OfgenError('model_invalid', `${path} is ${recognised.title}, which cannot be used as a model.`, {
      hint: recognised.hint,
    })
  const { family } = recognised
  if (tensors.has('scaled_fp8') || tensors.has(`${unetPrefix}scaled_fp8`))
    throw new OfgenError(
      'model_invalid',
      `${path} has fp8 weights with scales of their own ("scaled_fp8"), which are not read.`,
      {
        hint: 'Take the fp16 file, or one with plain fp8 weights.',
      },
    )
  const unet = unetOf(file, options.configs)
  const texts = textsOf(file, family, options.configs)
  const { vae, latentScale } = vaeOf(file, family, options)
  const prediction = detectPrediction(file, family)
  const type = options.prediction === undefined ? prediction.type : options.prediction === 'v' ? 'v_prediction' : 'epsilon'
  return {
    path,
    name: basename(path, extname(path)),
    family,
    hashBase: path,
    files: [path],
    file,
    unet: {
      config: unet,
      weights: weightsOf([file], (name) => ({ name: unetPrefix + (ldmUnetName(name, unet) ?? name) })),
    },
    texts,
    vae,
    latentScale,
    tokenizer: clipTokenizerPath,
    noise: noiseScheduleFromConfig(noiseConfig(type, options.zeroSnr ?? prediction.zeroSnr), path),
    noiseFrom: options.prediction === undefined ? prediction.because : '--prediction',
    defaults: defaultsOf(family, type),
  }
}

/** What all published models were trained with; single files carry no such settings. */
function noiseConfig(type: 'epsilon' | 'v_prediction', zeroSnr: boolean): Record<string, unknown> {
  return {
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    prediction_type: type,
    rescale_betas_zero_snr: zeroSnr,
    set_alpha_to_one: false,
    steps_offset: 1,
    timestep_spacing: zeroSnr ? 'trailing' : 'leading',
  }
}

function config<T extends z.ZodType>(
  file: TensorFile,
  derived: Record<string, unknown> | undefined,
  schema: T,
  from: string | undefined,
  what: string,
): z.output<T> {
  if (from !== undefined) return readConfig(join(from, 'config.json'), schema)
  if (derived === undefined)
    throw new OfgenError('model_invalid', `${file.path} has no ${what}.`, {
      hint: 'It holds a part of a model only: fetch the whole checkpoint.',
    })
  return checkConfig(derived, schema, `${file.path} (its ${what})`)
}

function unetOf(file: TensorFile, configs: string | undefined): UnetConfig {
  const derived = ldmUnetConfig(file.tensors, unetPrefix)
  const added = derived?.['projection_class_embeddings_input_dim'] as number | undefined
  // The published UNets give each of the six sizes 256 channels.
  const raw = derived === undefined || added === undefined ? derived : { ...derived, addition_time_embed_dim: 256 }
  const unet = config(file, raw, unetConfigSchema, configs && join(configs, 'unet'), 'UNet')
  if (unet.addition_embed_type === 'text_time' && pooledWidth(unet) <= 0)
    throw new OfgenError(
      'model_invalid',
      `${file.path} has a UNet with a label embedding of ${added} channels, which is none of SDXL's.`,
    )
  return unet
}

function textsOf(file: TensorFile, family: Family, configs: string | undefined): TextPart[] {
  if (family === 'sd1') {
    const part = clipPart(file, textPrefixes.sd1, configs && join(configs, 'text_encoder'), false)
    return [part]
  }
  if (family === 'sd2') return [openClipPart(file, textPrefixes.sd2, configs && join(configs, 'text_encoder'), 1, false)]
  const [first, second] = textPrefixes.sdxl
  return [
    clipPart(file, first, configs && join(configs, 'text_encoder'), false),
    openClipPart(file, second, configs && join(configs, 'text_encoder_2'), 0, true),
  ]
}

function clipPart(file: TensorFile, prefix: string, configs: string | undefined, pooled: boolean): TextPart {
  // Some early files leave `text_model.` out.
  const derived = clipConfig(file.tensors, `${prefix}text_model.`) ?? clipConfig(file.tensors, prefix)
  return {
    config: config(file, derived, textEncoderConfigSchema, configs, `text encoder (${prefix}*)`),
    weights: weightsOf([file], (name) => ({ name: prefix + name })),
    pad: undefined,
    pooled,
  }
}

/** @param left Layers at the end that the model does not use. */
function openClipPart(file: TensorFile, prefix: string, configs: string | undefined, left: number, pooled: boolean): TextPart {
  const derived = openClipConfig(file.tensors, prefix)
  if (derived !== undefined) derived['num_hidden_layers'] = Number(derived['num_hidden_layers']) - left
  return {
    config: config(file, derived, textEncoderConfigSchema, configs, `text encoder (${prefix}*)`),
    weights: weightsOf([file], (name) => {
      const place = openClipPlace(name)
      return { ...place, name: prefix + place.name }
    }),
    pad: 0,
    pooled,
  }
}

function vaeOf(file: TensorFile, family: Family, options: CheckpointOptions): Pick<Checkpoint, 'vae' | 'latentScale'> {
  const own = vaeInFile(file, vaePrefix, family, options.configs && join(options.configs, 'vae', 'config.json'))
  if (options.vae === undefined && own === undefined)
    throw new OfgenError('model_invalid', `${file.path} has no autoencoder (${vaePrefix}*).`, {
      hint: `Give one with --vae: any of ${families[family].title}.`,
    })
  return {
    vae: options.vae === undefined ? own! : openVae(options.vae, family),
    latentScale: own?.config.scaling_factor ?? families[family].scalingFactor,
  }
}
