import { parse, resolve } from 'node:path'
import { OfgenError } from '../errors.ts'
import { chooseDevice, type DeviceWish } from '../onnx/device.ts'
import type { RunResult } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import { withWords } from '../prompt/added-words.ts'
import { loadTokenizer } from '../prompt/tokenizer.ts'
import { buildAutoencoder, type Autoencoder } from './autoencoder.ts'
import type { Checkpoint, CheckpointOptions } from './checkpoint/checkpoint.ts'
import { hashFiles, hashText, joinedHash } from './checkpoint/hash.ts'
import { openCheckpoint } from './checkpoint/open-checkpoint.ts'
import type { ControlRunner } from './control-residuals.ts'
import { residualNames } from './controlnet.ts'
import { unetDenoiser } from './denoise.ts'
import type { DiffusionModel, Embedding } from './diffusion-model.ts'
import { embedPrompt } from './embed-prompt.ts'
import { openEmbeddings } from './embeddings/embedding-set.ts'
import { families } from './family.ts'
import { greyMasks } from './inpainting.ts'
import { openLoras, type LoraChoice } from './lora/lora-set.ts'
import { startNetworks, type Network, type RuntimeOptions } from './networks.ts'
import { openControlNet } from './open-controlnet.ts'
import { fromPlanes, toPlanes } from './pictures.ts'
import { buildTextEncoder } from './text-encoder.ts'
import { besideEachOther, skippedLayers } from './text-states.ts'
import { buildUnet } from './unet.ts'
import { pooledWidth } from './unet-config.ts'
import { inTiles } from './vae-tiles.ts'
import { cropped, grown } from './whole-steps.ts'

export interface OpenModelOptions extends Omit<RuntimeOptions, 'device'>, CheckpointOptions {
  /** Where the networks run, default `auto`; what cannot be used is replaced by the CPU, with a warning of the model. */
  readonly device?: DeviceWish | undefined
  /** Side of the tiles in pixels, at least 256, that pictures are encoded and decoded in; 0 never, by default large ones only. */
  readonly vaeTile?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** LoRAs to be merged into the weights, one upon the other. */
  readonly loras?: readonly LoraChoice[] | undefined
  /** Textual inversion embeddings, as files or folders of files: their words in prompts become their vectors. */
  readonly embeddings?: readonly string[] | undefined
  /** ControlNets, as files or folders, for `Conditioning.controls`. */
  readonly controlNets?: readonly string[] | undefined
  /** Which layer of the text encoders the prompt is taken from, counted from the last, which is 1; by default the family's own. */
  readonly clipSkip?: number | undefined
}

const textNames = ['text', 'text2'] as const

/**
 * Opens a Stable Diffusion checkpoint: a file in the LDM layout, a folder in the diffusers layout, or exported ONNX graphs. Its files are checked
 * and its graphs built at once; the weights are loaded in the background, in the order a render needs them.
 *
 * @throws OfgenError model_missing or model_invalid, naming the file.
 */
export async function openModel(
  path: string,
  {
    signal,
    loras: choices = [],
    controlNets: controlPaths = [],
    embeddings: embeddingPaths = [],
    clipSkip,
    vae,
    prediction,
    zeroSnr,
    configs,
    device,
    vaeTile,
    ...runtime
  }: OpenModelOptions = {},
): Promise<DiffusionModel> {
  signal?.throwIfAborted()

  // 1. Files and configs
  const checkpoint = openCheckpoint(resolve(path), { vae, prediction, zeroSnr, configs })
  const { family, texts, unet, latentScale, noise } = checkpoint
  const skip = skippedLayers(clipSkip, family, texts)
  const widths = texts.map(({ config }) => config.hidden_size)
  const embeddings = openEmbeddings(embeddingPaths, widths, texts[0]!.config.vocab_size)
  const tokenizer = withWords(await loadTokenizer(checkpoint.tokenizer), embeddings.words)

  // 2. Graphs
  const { exported } = checkpoint
  if (exported !== undefined)
    demandUnchanged(checkpoint.path, { loras: choices, controlNets: controlPaths, embeddings: embeddingPaths, clipSkip })
  const autoencoder = autoencoderOf(checkpoint)
  const { latentChannels, scalingFactor, scale } = autoencoder
  const sees = whatUnetSees(checkpoint, latentChannels)
  const loras = openLoras(choices)
  const { root: weightsRoot } = parse(checkpoint.path)
  const { root: vaeRoot } = parse(checkpoint.vae.files[0] ?? checkpoint.path)
  const textNetworks = texts.map(({ config, weights, pooled }, i): [(typeof textNames)[number], Network] => {
    const options = {
      skip,
      normed: families[family].normed,
      pooledAt: pooled ? tokenizer.eos : undefined,
      added: embeddings.rows[i],
    }
    const model = exported?.texts[i] ?? buildTextEncoder(config, loras.on(textNames[i]!, weights), options)
    return [textNames[i]!, { model, title: i === 0 ? 'the text encoder' : 'the second text encoder', weightsRoot, device: 'cpu' }]
  })
  const controlNets = controlPaths.map((path) => openControlNet(resolve(path)))
  const controlNetworks = controlNets.map((net, i): [`control${number}`, Network] => {
    const model = net.build(unet.config, { latentChannels, scale })
    return [`control${i}`, { model, title: `the ControlNet ${net.name}`, weightsRoot: parse(net.path).root }]
  })
  const controlled = controlNets.length > 0
  const unetModel = exported?.unet ?? buildUnet(unet.config, loras.on('unet', unet.weights, unet.config), { controlled })
  const chosen = await chooseDevice(device ?? 'auto')
  const warnings = [...(exported?.warnings ?? []), ...loras.report(), ...embeddings.warnings, ...chosen.warnings]

  // 3. Sessions
  const counters = { evaluations: 0, engineSeconds: 0 }
  const networks = startNetworks<(typeof textNames)[number] | 'encoder' | `control${number}` | 'unet' | 'decoder'>(
    {
      // Who has one text encoder never asks for the second.
      ...(Object.fromEntries(textNetworks) as Record<(typeof textNames)[number], Network>),
      encoder: { model: autoencoder.encoder, title: 'the encoder', weightsRoot: vaeRoot },
      ...(Object.fromEntries(controlNetworks) as Record<`control${number}`, Network>),
      unet: { model: unetModel, title: 'the UNet', weightsRoot },
      decoder: { model: autoencoder.decoder, title: 'the decoder', weightsRoot: vaeRoot },
    },
    { ...runtime, device: chosen.device },
  )
  const run: typeof networks.run = async (which, feeds, signal) => {
    const result = await networks.run(which, feeds, signal)
    counters.engineSeconds += result.seconds
    demandNumbers(checkpoint.path, which, result.outputs)
    return result
  }

  async function embedWith(part: number, text: string, signal: AbortSignal | undefined): Promise<Embedding> {
    const { pad = tokenizer.eos } = texts[part]!
    let pooled: Float32Array | undefined
    const embedding = await embedPrompt(text, { ...tokenizer, pad }, async (ids) => {
      const { outputs } = await run(textNames[part]!, { input_ids: { data: ids, dims: [1, ids.length] } }, signal)
      pooled ??= outputs['text_embeds']?.data as Float32Array | undefined
      return outputs['last_hidden_state']!.data as Float32Array
    })
    return { ...embedding, ...(pooled === undefined ? {} : { pooled }) }
  }

  // Exported graphs double their maps on the way up, which odd sides do not bear; parts of pictures may have such.
  const step = exported === undefined ? 1 : 2 ** (unet.config.block_out_channels.length - 1)
  async function runUnet(feeds: Readonly<Record<string, Tensor>>, signal: AbortSignal | undefined): Promise<RunResult> {
    const sample = feeds['sample']!
    const [, , height = 1, width = 1] = sample.dims
    if (height % step === 0 && width % step === 0) return run('unet', feeds, signal)
    const result = await run('unet', { ...feeds, sample: grown(sample, step) }, signal)
    return { ...result, outputs: { out_sample: cropped(result.outputs['out_sample']!, height, width) } }
  }

  const coder = inTiles(
    {
      async encode(image, signal) {
        const { width, height } = image
        if (width % scale !== 0 || height % scale !== 0)
          throw new RangeError(`image must have sides that are multiples of ${scale}, got ${width}x${height}.`)
        const { outputs } = await run('encoder', { image: toPlanes(image) }, signal)
        // Exported encoders give the mean and the logarithm of the variance behind it.
        const count = (latentChannels * width * height) / scale ** 2
        return (outputs['latent']!.data as Float32Array).subarray(0, count).map((value) => value * scalingFactor)
      },
      async decode(latent, { channels, height, width }, signal) {
        const unscaled = latent.map((value) => value / scalingFactor)
        const { outputs } = await run('decoder', { latent: floatTensor(unscaled, [1, channels, height, width]) }, signal)
        return fromPlanes(outputs['image']!.data as Float32Array, width * scale, height * scale)
      },
    },
    { channels: latentChannels, scale, tile: vaeTile },
  )

  const control: ControlRunner = {
    count: controlNets.length,
    residuals: residualNames(unet.config),
    run: async (net, feeds, signal) => (await run(`control${net}`, feeds, signal)).outputs,
  }

  const model: DiffusionModel = {
    hash: hashOf(checkpoint, [loras.hash, ...controlNets.map(({ hash }) => hash), ...embeddings.hashes], {
      skip,
      prediction,
      zeroSnr,
      vaeTile: vaeTile === 0 ? 'never' : vaeTile,
    }),
    warnings,
    name: checkpoint.name,
    family,
    noise,
    defaults: checkpoint.defaults,
    latentChannels,
    scale,
    multiple: scale * step,
    seesSource: sees === 'source',
    controlNets: controlNets.map(({ name }) => name),
    counters,

    async embed(text, signal) {
      const parts: Embedding[] = []
      for (const part of texts.keys()) parts.push(await embedWith(part, text, signal))
      return besideEachOther(parts)
    },

    encode: coder.encode,
    decode: coder.decode,

    denoiser: (conditioning) =>
      unetDenoiser(
        {
          noise,
          latentChannels,
          batched: true,
          sourceScale: sees === 'source' ? latentScale : undefined,
          behind: sees === 'mask' ? masks : undefined,
          scale,
          pooledWidth: unet.config.addition_embed_type === 'text_time' ? pooledWidth(unet.config) : 0,
          control: controlled ? control : undefined,
          async run(feeds, evaluations, signal) {
            const result = await runUnet(feeds, signal)
            counters.evaluations += evaluations
            return result
          },
        },
        conditioning,
      ),

    close: () => networks.close(),
  }
  const masks = greyMasks(model)
  return model
}

/** The exported one, unless another is to take its place. */
function autoencoderOf({ exported, vae }: Checkpoint): Autoencoder {
  if (exported === undefined || vae.files.length > 0) return buildAutoencoder(vae)
  const { latent_channels: latentChannels, scaling_factor: scalingFactor } = vae.config
  const { encoder, decoder } = exported
  const levels = vae.kind === 'tiny' ? vae.config.encoder_block_out_channels : vae.config.block_out_channels
  return { encoder, decoder, latentChannels, scalingFactor, scale: 2 ** (levels.length - 1) }
}

/** @throws OfgenError option_invalid for what would change the insides of exported graphs. */
function demandUnchanged(path: string, wishes: Readonly<Record<string, unknown>>): void {
  for (const [name, wish] of Object.entries(wishes))
    if (Array.isArray(wish) ? wish.length > 0 : wish !== undefined)
      throw new OfgenError('option_invalid', `${path} holds exported ONNX graphs, which take no ${name}.`, {
        hint: 'Use the model itself: a .safetensors file or a folder in the diffusers layout.',
      })
}

/** One value that is none soon makes all of them so; a look at a few is enough. */
function demandNumbers(path: string, network: string, outputs: RunResult['outputs']): void {
  for (const { data } of Object.values(outputs))
    if (data instanceof Float32Array && [0, data.length >> 1, data.length - 1].some((i) => Number.isNaN(data[i])))
      throw new OfgenError('engine_failed', `The ${network} network of ${path} gave numbers that are none (NaN).`, {
        hint: 'Its weights are damaged, or too large for this device: see "ofgen models inspect --numbers", or try --device cpu.',
      })
}

/** Besides the noisy latent: nothing, the source's latent (InstructPix2Pix), or a mask and a masked picture (inpainting). */
function whatUnetSees({ path, unet, texts }: Checkpoint, latents: number): 'nothing' | 'source' | 'mask' {
  const { in_channels: input, out_channels: output, cross_attention_dim: context } = unet.config
  const sees = ({ [latents]: 'nothing', [2 * latents]: 'source', [2 * latents + 1]: 'mask' } as const)[input]
  if (output !== latents || sees === undefined)
    throw new OfgenError(
      'model_invalid',
      `${path}: a UNet of ${input} channels in and ${output} out (in_channels, out_channels) does not fit an autoencoder of ${latents} channels; accepted are ${latents}, ${2 * latents} (InstructPix2Pix) or ${2 * latents + 1} (inpainting) in, ${latents} out.`,
    )
  const width = texts.reduce((sum, { config }) => sum + config.hidden_size, 0)
  if (context !== width)
    throw new OfgenError(
      'model_invalid',
      `${path}: a UNet for prompts of width ${context} (cross_attention_dim) does not fit a text encoder of width ${width} (hidden_size).`,
    )
  return sees
}

/** Of all that makes other results: files, LoRAs and ControlNets, and what the user says of the model. */
function hashOf({ files, hashBase, vae }: Checkpoint, besides: readonly string[], said: Record<string, unknown>): string {
  const other = vae.files.every((file) => files.includes(file)) ? [] : vae.files
  const inside = other.filter((file) => file.startsWith(hashBase))
  const outside = other.filter((file) => !file.startsWith(hashBase))
  const options = JSON.stringify(Object.entries(said).filter(([, value]) => value !== undefined && value !== 0))
  return joinedHash(
    hashFiles(hashBase, [...files, ...inside]),
    ...outside.map((file) => hashFiles(file, [file])),
    ...besides,
    options === '[]' ? '' : hashText(options),
  )
}
