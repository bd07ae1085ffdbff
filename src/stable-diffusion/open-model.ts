import { statSync } from 'node:fs'
import { basename, join, parse, resolve } from 'node:path'
import { z } from 'zod'
import { noiseScheduleFromConfig } from '../diffusion/noise-schedule.ts'
import { OfgenError } from '../errors.ts'
import { floatTensor } from '../onnx/tensor.ts'
import { loadTokenizer } from '../prompt/tokenizer.ts'
import { buildAutoencoder } from './autoencoder.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openDiffusersFolder } from './checkpoint/diffusers-folder.ts'
import { hashFiles, joinedHash } from './checkpoint/hash.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { unetDenoiser } from './denoise.ts'
import type { DiffusionModel } from './diffusion-model.ts'
import { embedPrompt } from './embed-prompt.ts'
import { openLoras, type LoraChoice } from './lora/lora-set.ts'
import { readDefaults } from './model-defaults.ts'
import { startNetworks, type RuntimeOptions } from './networks.ts'
import { fromPlanes, toPlanes } from './pictures.ts'
import { buildTextEncoder, textEncoderConfigSchema } from './text-encoder.ts'
import { buildUnet } from './unet.ts'
import { unetConfigSchema } from './unet-config.ts'

export interface OpenModelOptions extends RuntimeOptions {
  readonly signal?: AbortSignal | undefined
  /** LoRAs to be merged into the weights, one upon the other. */
  readonly loras?: readonly LoraChoice[] | undefined
}

/**
 * Opens a Stable Diffusion checkpoint: a folder in the diffusers layout. Its files are checked and its graphs built at
 * once; the weights are loaded in the background, in the order a render needs them.
 *
 * @throws OfgenError model_missing or model_invalid, naming the file.
 */
export async function openModel(
  path: string,
  { signal, loras: choices = [], ...runtime }: OpenModelOptions = {},
): Promise<DiffusionModel> {
  signal?.throwIfAborted()

  // 1. Files and configs
  const folder = openDiffusersFolder(resolve(path))
  const defaults = readDefaults(folder.path)
  const textConfig = readConfig(folder.textEncoder.config, textEncoderConfigSchema)
  const unetConfig = readConfig(folder.unet.config, unetConfigSchema)
  const noise = noiseScheduleFromConfig(readConfig(folder.schedulerConfig, z.looseObject({})), folder.schedulerConfig)
  const tokenizer = await loadTokenizer(folder.tokenizer)

  // 2. Graphs
  const autoencoder = buildAutoencoder(folder.vae)
  const { latentChannels, scalingFactor, scale } = autoencoder
  const seesSource = unetConfig.in_channels === 2 * latentChannels
  if (unetConfig.out_channels !== latentChannels || (unetConfig.in_channels !== latentChannels && !seesSource))
    throw new OfgenError(
      'model_invalid',
      `${folder.unet.config}: in_channels ${unetConfig.in_channels} and out_channels ${unetConfig.out_channels} do not fit an autoencoder of ${latentChannels} channels; accepted are ${latentChannels} or ${2 * latentChannels} in, ${latentChannels} out.`,
      { hint: 'Inpainting checkpoints (9 channels) are not supported.' },
    )
  if (unetConfig.cross_attention_dim !== textConfig.hidden_size)
    throw new OfgenError(
      'model_invalid',
      `${folder.unet.config}: cross_attention_dim ${unetConfig.cross_attention_dim} does not fit a text encoder of hidden_size ${textConfig.hidden_size}.`,
    )
  const loras = openLoras(choices)
  const graphs = {
    text: buildTextEncoder(textConfig, loras.on('text', weightsOf(folder.textEncoder.weights))),
    encoder: autoencoder.encoder,
    unet: buildUnet(unetConfig, loras.on('unet', weightsOf(folder.unet.weights), unetConfig)),
    decoder: autoencoder.decoder,
  }

  const warnings = loras.report()

  // 3. Sessions
  const counters = { evaluations: 0, engineSeconds: 0 }
  const weightsRoot = parse(folder.path).root
  const networks = startNetworks(
    {
      text: { model: graphs.text, title: 'the text encoder', weightsRoot },
      encoder: { model: graphs.encoder, title: 'the encoder', weightsRoot },
      unet: { model: graphs.unet, title: 'the UNet', weightsRoot },
      decoder: { model: graphs.decoder, title: 'the decoder', weightsRoot },
    },
    runtime,
  )
  const run: typeof networks.run = async (which, feeds, signal) => {
    const result = await networks.run(which, feeds, signal)
    counters.engineSeconds += result.seconds
    return result
  }

  return {
    hash: joinedHash(hashFiles(folder.path, filesOf(folder.path)), loras.hash),
    warnings,
    name: basename(folder.path),
    family: seesSource ? 'instruct-pix2pix' : 'stable-diffusion',
    noise,
    defaults,
    latentChannels,
    scale,
    multiple: scale,
    seesSource,
    counters,

    embed: (text, signal) =>
      embedPrompt(text, tokenizer, async (ids) => {
        const { outputs } = await run('text', { input_ids: { data: ids, dims: [1, ids.length] } }, signal)
        return outputs['last_hidden_state']!.data as Float32Array
      }),

    async encode(image, signal) {
      const { width, height } = image
      if (width % scale !== 0 || height % scale !== 0)
        throw new RangeError(`image must have sides that are multiples of ${scale}, got ${width}x${height}.`)
      const { outputs } = await run('encoder', { image: toPlanes(image) }, signal)
      return (outputs['latent']!.data as Float32Array).map((value) => value * scalingFactor)
    },

    async decode(latent, { channels, height, width }, signal) {
      const unscaled = latent.map((value) => value / scalingFactor)
      const { outputs } = await run('decoder', { latent: floatTensor(unscaled, [1, channels, height, width]) }, signal)
      return fromPlanes(outputs['image']!.data as Float32Array, width * scale, height * scale)
    },

    denoiser: (conditioning) =>
      unetDenoiser(
        {
          noise,
          latentChannels,
          batched: true,
          sourceScale: seesSource ? scalingFactor : undefined,
          async run(feeds, evaluations, signal) {
            const result = await run('unet', feeds, signal)
            counters.evaluations += evaluations
            return result
          },
        },
        conditioning,
      ),

    close: () => networks.close(),
  }

  function filesOf(base: string): string[] {
    const parts = [folder.unet, folder.vae, folder.textEncoder]
    return [
      ...parts.flatMap(({ config, weights }) => [config, ...weights.map(({ path }) => path)]),
      ...['vocab.json', 'merges.txt'].map((name) => join(folder.tokenizer, name)),
      folder.schedulerConfig,
    ].filter((file) => file.startsWith(base) && statSync(file).isFile())
  }
}
