import type { Denoiser, Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts'
import type { FloatImage, Frame } from '../image/frame.ts'

/** A prompt as the UNet reads it: `[tokens * width]` of one text; 77 tokens for each chunk of 75. */
export interface Embedding {
  readonly tokens: number
  readonly width: number
  readonly data: Float32Array
  /** SDXL: the whole prompt as one vector, of its first chunk. */
  readonly pooled?: Float32Array | undefined
}

/** What a ControlNet is to see. */
export interface ControlHint {
  /** Which of the model's `controlNets`, from 0. */
  readonly net: number
  /** RGB in 0..1, of the size of the picture that is denoised. */
  readonly image: FloatImage
  /** 1 is as it was trained, 0 leaves it out. */
  readonly weight: number
}

/** What a frame is denoised under. */
export interface Conditioning {
  readonly positive: Embedding
  readonly negative: Embedding
  /** Classifier-free guidance scale; 1 leaves the negative prompt out (one evaluation a step instead of two). */
  readonly cfgScale: number
  readonly shape: LatentShape
  /** Latent of the source frame as `encode` gives it; needed where `seesSource`. */
  readonly source?: Latent | undefined
  /** What the model's ControlNets see; those without a hint are left out. */
  readonly controls?: readonly ControlHint[] | undefined
}

/** Settings that a model's makers recommend, kept as data beside it. */
export interface ModelDefaults {
  readonly strength: number
  readonly steps: number
  readonly cfgScale: number
  readonly sampler: string
  readonly prompt: string
  readonly negative: string
  /** Short names for prompts, for example `watercolor`. */
  readonly styles: Readonly<Record<string, string>>
  /** Picture area in pixels the model is at home with. */
  readonly area: number
}

/** A loaded checkpoint. Implemented by Stable Diffusion on onnxruntime and by the analytic model of the tests. */
export interface DiffusionModel {
  /** Hash over names, sizes and content of the weights: part of content keys. */
  readonly hash: string
  readonly name: string
  /** What is odd about it and should be told: sentences. */
  readonly warnings: readonly string[]
  readonly family: string
  readonly noise: NoiseSchedule
  readonly defaults: ModelDefaults
  readonly latentChannels: number
  /** Picture pixels per latent cell along a side (8 for SD, 4 for the embedded model). */
  readonly scale: number
  /** Picture sides must be multiples of this. */
  readonly multiple: number
  /** True for the InstructPix2Pix layout: the UNet is shown the source frame's latent at every step. */
  readonly seesSource: boolean
  /** Names of its ControlNets, in the order they were opened in. */
  readonly controlNets: readonly string[]
  /** Network evaluations so far (a batch of two counts as two), and seconds spent in the engine. */
  readonly counters: { evaluations: number; engineSeconds: number }
  /**
   * A prompt of any length, with A1111's emphasis (`(word:1.2)`, `[word]`, `BREAK`); prompt editing and LoRA tags are taken out before.
   * @throws OfgenError option_invalid for `AND`.
   */
  embed(text: string, signal?: AbortSignal): Promise<Embedding>
  /** Picture (8 bits, or 0..1, not clamped) to latent: the mean of the autoencoder, times the scaling factor. */
  encode(image: Frame | FloatImage, signal?: AbortSignal): Promise<Latent>
  /** Latent to picture, clamped to 0..1. */
  decode(latent: Latent, shape: LatentShape, signal?: AbortSignal): Promise<FloatImage>
  denoiser(conditioning: Conditioning): Denoiser
  close(): Promise<void>
}
