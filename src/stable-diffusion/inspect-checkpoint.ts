import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OfgenError } from '../errors.ts'
import type { WeightSource } from '../onnx/scope.ts'
import { buildAutoencoder } from './autoencoder.ts'
import type { Checkpoint, CheckpointOptions } from './checkpoint/checkpoint.ts'
import { findNotFinite } from './checkpoint/not-a-number.ts'
import { openCheckpoint } from './checkpoint/open-checkpoint.ts'
import { openTensorFile } from './checkpoint/open-tensor-file.ts'
import { recognise } from './checkpoint/recognise.ts'
import { families } from './family.ts'
import { buildTextEncoder } from './text-encoder.ts'
import { buildUnet } from './unet.ts'

/** A network of a model as it lies on disk. */
export interface InspectedPart {
  readonly title: string
  readonly tensors: number
  /** Bytes of its weights. */
  readonly bytes: number
  /** Types its weights are stored in, the most frequent first; of exported graphs only that they are. */
  readonly types: readonly string[]
}

/** What a file or folder is, and what is wrong with it. */
export interface Inspection {
  readonly path: string
  /** `Stable Diffusion XL, inpainting`, or what else it is. */
  readonly title: string
  /** Whether it can be given as a model, as it is. */
  readonly usable: boolean
  /** What it predicts and where that stands; only for models. */
  readonly prediction?: string | undefined
  readonly parts: readonly InspectedPart[]
  /** Sentences: what is missing or has the wrong shape. */
  readonly missing: readonly string[]
  /** Sentences: what is odd, and does no harm or might. */
  readonly odd: readonly string[]
}

export interface InspectOptions extends CheckpointOptions {
  /** Also read all weights, to find numbers that are none. */
  readonly numbers?: boolean | undefined
}

/**
 * Says of a file or folder what it is, told by its tensors, and what is missing in it or odd. What stands in the way of
 * opening it is part of the answer.
 *
 * @throws OfgenError model_missing if there is nothing, model_invalid if a file is of no format that is known or damaged.
 */
export function inspectCheckpoint(path: string, { numbers = false, ...options }: InspectOptions = {}): Inspection {
  const single = statSync(path, { throwIfNoEntry: false })?.isFile() === true
  const what = single ? recognise(openTensorFile(path).tensors) : undefined
  const odd: string[] = []
  const missing: string[] = []
  let checkpoint: Checkpoint
  try {
    checkpoint = openCheckpoint(path, options)
  } catch (error) {
    if (!(error instanceof OfgenError) || what === undefined) throw error
    return {
      path,
      title: what.title,
      usable: false,
      parts: whole(path),
      missing: [error.message, ...(error.hint === undefined ? [] : [error.hint])],
      odd,
    }
  }
  const asked = new Set<string>()
  const parts = partsOf(checkpoint, asked, missing)
  if (checkpoint.file !== undefined) odd.push(...unusedOf(checkpoint, asked))
  odd.push(...(checkpoint.exported?.warnings ?? []))
  if (numbers && checkpoint.exported === undefined)
    for (const file of weightFiles(checkpoint))
      for (const [name, count] of findNotFinite(file, openTensorFile(file).tensors))
        odd.push(`${basename(file)}: tensor "${name}" has ${count} numbers that are infinite or none`)
  const { predictionType } = checkpoint.noise
  return {
    path,
    title: what?.title ?? titleOf(checkpoint),
    usable: missing.length === 0,
    prediction: `${predictionType === 'epsilon' ? 'epsilon (noise)' : 'v (velocity)'}, by ${checkpoint.noiseFrom}`,
    parts,
    missing,
    odd,
  }
}

function titleOf({ family, unet }: Checkpoint): string {
  const special = { 8: ', InstructPix2Pix', 9: ', inpainting' }[unet.config.in_channels] ?? ''
  return families[family].title + special
}

/** A source that remembers what it was asked for, and has what is missing, so that building goes on. */
function watched(
  source: WeightSource,
  asked: Set<string>,
  missing: string[],
): { source: WeightSource; part: (title: string) => InspectedPart } {
  let bytes = 0
  const own = new Set<string>()
  const types = new Map<string, number>()
  return {
    source: {
      ...source,
      find(name, dims) {
        const called = source.nameOf?.(name) ?? name
        const tensor = source.find(name, dims)
        const fits = tensor?.dims.length === dims.length && tensor.dims.every((side, i) => side === dims[i])
        if (tensor !== undefined && !own.has(`${called} ${tensor.offset}`)) {
          bytes += tensor.length
          types.set(tensor.type, (types.get(tensor.type) ?? 0) + 1)
        }
        own.add(`${called} ${tensor?.offset}`)
        asked.add(called)
        if (tensor !== undefined && fits) return tensor
        missing.push(
          tensor === undefined
            ? `tensor "${called}" is missing`
            : `tensor "${called}" is [${tensor.dims.join(', ')}] where [${dims.join(', ')}] is expected`,
        )
        return { file: source.title, offset: 0, length: 0, type: 'float32', dims }
      },
    },
    part: (title) => ({
      title,
      tensors: own.size,
      bytes,
      types: [...types].toSorted(([, a], [, b]) => b - a).map(([type]) => type),
    }),
  }
}

function partsOf(checkpoint: Checkpoint, asked: Set<string>, missing: string[]): InspectedPart[] {
  const { exported, unet, texts, vae, family } = checkpoint
  if (exported !== undefined) return exportedParts(checkpoint.path, texts.length)
  const parts: InspectedPart[] = []
  const network = watched(unet.weights, asked, missing)
  buildUnet(unet.config, network.source)
  parts.push(network.part('UNet'))
  for (const [i, { config, weights, pooled }] of texts.entries()) {
    const encoder = watched(weights, asked, missing)
    buildTextEncoder(config, encoder.source, { normed: families[family].normed || pooled, pooledAt: pooled ? 0 : undefined })
    parts.push(encoder.part(texts.length === 1 ? 'text encoder' : `text encoder ${i + 1}`))
  }
  const coder = watched(vae.weights, asked, missing)
  buildAutoencoder({ ...vae, weights: coder.source } as typeof vae)
  parts.push(coder.part(vae.kind === 'tiny' ? 'tiny autoencoder' : 'autoencoder (VAE)'))
  return parts
}

/** Exported graphs with all that lies beside them. */
function exportedParts(path: string, texts: number): InspectedPart[] {
  const part = (title: string, folder: string): InspectedPart => {
    const files = readdirSync(join(path, folder)).filter((name) => !/\.(json|txt)$/.test(name))
    const bytes = files.reduce((sum, name) => sum + statSync(join(path, folder, name)).size, 0)
    return { title, tensors: 0, bytes, types: ['exported'] }
  }
  const encoders =
    texts === 1
      ? [part('text encoder', 'text_encoder')]
      : [part('text encoder 1', 'text_encoder'), part('text encoder 2', 'text_encoder_2')]
  return [part('UNet', 'unet'), ...encoders, part('encoder', 'vae_encoder'), part('decoder', 'vae_decoder')]
}

/** Entries that published files have and nobody needs. */
const harmless: readonly (readonly [RegExp, string])[] = [
  [/^model_ema\./, 'averaged weights of training (model_ema.*)'],
  [
    /^(betas|alphas_|sqrt_|log_one_minus|posterior_|model_betas|denoiser\.|global_step|lvlb_weights|logvar)/,
    'tables of the noise schedule',
  ],
  [/position_ids$/, 'position_ids'],
  [/logit_scale$|text_projection(\.weight)?$/, 'projections of CLIP that are not used'],
  [/^(v_pred|ztsnr)$/, 'markers of the prediction type'],
  [/^first_stage_model\.loss\./, 'the loss of training the autoencoder'],
  [/(^|\.)(resblocks|layers)\.\d+\.|(^|\.)(ln_final|final_layer_norm)\./, 'layers of text encoders that are not used'],
]

function unusedOf({ file, vae }: Checkpoint, asked: ReadonlySet<string>): string[] {
  const groups = new Map<string, number>()
  const own = vae.files.includes(file!.path)
  for (const name of file!.tensors.keys()) {
    if (asked.has(name)) continue
    const known = !own && name.startsWith('first_stage_model.') ? 'an autoencoder, in place of which another is used' : undefined
    const group =
      known ?? harmless.find(([pattern]) => pattern.test(name))?.[1] ?? `of unknown use: ${name.split('.').slice(0, 2).join('.')}`
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  return [...groups].map(([group, count]) => `${count} ${count === 1 ? 'tensor is' : 'tensors are'} left out: ${group}`)
}

function weightFiles({ files, vae }: Checkpoint): string[] {
  return [...new Set([...files, ...vae.files])].filter((file) => !/\.(json|txt)$/.test(file))
}

function whole(path: string): InspectedPart[] {
  const { tensors } = openTensorFile(path)
  const types = new Map<string, number>()
  let bytes = 0
  for (const { dtype, length } of tensors.values()) {
    bytes += length
    types.set(dtype, (types.get(dtype) ?? 0) + 1)
  }
  return [
    {
      title: 'the file',
      tensors: tensors.size,
      bytes,
      types: [...types].toSorted(([, a], [, b]) => b - a).map(([type]) => type),
    },
  ]
}
