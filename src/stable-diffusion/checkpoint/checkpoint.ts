import type { NoiseSchedule } from '../../diffusion/noise-schedule.ts'
import type { WeightSource } from '../../onnx/scope.ts'
import type { ModelDefaults } from '../diffusion-model.ts'
import type { Family } from '../family.ts'
import type { TaesdConfig } from '../taesd.ts'
import type { TextEncoderConfig } from '../text-encoder.ts'
import type { UnetConfig } from '../unet-config.ts'
import type { KlConfig } from '../vae.ts'
import type { TensorFile } from './tensor-file.ts'

/** A text encoder of a model; SDXL has two, whose states stand side by side. */
export interface TextPart {
  readonly config: TextEncoderConfig
  readonly weights: WeightSource
  /** Id that fills up behind the end of a prompt; undefined for the end's own. */
  readonly pad: number | undefined
  /** Whether its pooled prompt goes to the UNet. */
  readonly pooled: boolean
}

/** An autoencoder: Stable Diffusion's own, or a tiny one that stands in for it. */
export type VaePart =
  | { readonly kind: 'kl'; readonly config: KlConfig; readonly weights: WeightSource; readonly files: readonly string[] }
  | { readonly kind: 'tiny'; readonly config: TaesdConfig; readonly weights: WeightSource; readonly files: readonly string[] }

/**
 * A model on disk, whatever its layout: configs of its networks, and their weights under the names that diffusers gives
 * them. Nothing is loaded yet; headers and configs are checked.
 */
export interface Checkpoint {
  readonly path: string
  readonly name: string
  readonly family: Family
  /** Files of its networks but the VAE, and what they are named relative to in its hash. */
  readonly files: readonly string[]
  readonly hashBase: string
  /** Networks whose graphs were exported elsewhere and are run as they are; their weights cannot be changed. */
  readonly exported?: ExportedGraphs | undefined
  /** Of a single file, whose other tensors nothing asks for. */
  readonly file: TensorFile | undefined
  readonly unet: { readonly config: UnetConfig; readonly weights: WeightSource }
  readonly texts: readonly TextPart[]
  readonly vae: VaePart
  /** What the UNet's latents are the autoencoder's times. */
  readonly latentScale: number
  /** Folder of the tokenizer's files. */
  readonly tokenizer: string
  readonly noise: NoiseSchedule
  /** Where it stands what the model predicts, for people. */
  readonly noiseFrom: string
  readonly defaults: ModelDefaults
}

/** Graphs with our names and types around them. */
export interface ExportedGraphs {
  readonly texts: readonly Uint8Array[]
  readonly unet: Uint8Array
  readonly encoder: Uint8Array
  readonly decoder: Uint8Array
  /** What is odd about them: sentences. */
  readonly warnings: readonly string[]
}

export interface CheckpointOptions {
  /** Another autoencoder: file or folder. */
  readonly vae?: string | undefined
  /** What the model predicts, where it is not told rightly. */
  readonly prediction?: 'epsilon' | 'v' | undefined
  /** Trained with noise that leaves nothing of the picture at the last timestep. */
  readonly zeroSnr?: boolean | undefined
  /** Folder in the diffusers layout whose config.json files describe the networks of a single file. */
  readonly configs?: string | undefined
}
