import { z } from 'zod'
import { buildKlDecoder, buildKlEncoder, klConfigSchema } from './vae.ts'
import { readConfig } from './checkpoint/config-file.ts'
import type { Component } from './checkpoint/diffusers-folder.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildTaesdDecoder, buildTaesdEncoder, taesdConfigSchema } from './taesd.ts'

/** Either autoencoder: graphs from picture (`image`, -1..1) to unscaled latent (`latent`) and back. */
export interface Autoencoder {
  readonly encoder: Uint8Array
  readonly decoder: Uint8Array
  readonly latentChannels: number
  /** Latents of the diffusion model are the autoencoder's times this. */
  readonly scalingFactor: number
  /** Picture pixels per latent cell along a side. */
  readonly scale: number
}

/** @throws OfgenError model_invalid for configs that are not supported and weights that do not fit them. */
export function buildAutoencoder({ config: file, weights: files }: Component): Autoencoder {
  const weights = weightsOf(files)
  const tiny = 'encoder_block_out_channels' in readConfig(file, z.looseObject({}))
  if (tiny) {
    const config = readConfig(file, taesdConfigSchema)
    return {
      encoder: buildTaesdEncoder(config, weights),
      decoder: buildTaesdDecoder(config, weights),
      latentChannels: config.latent_channels,
      scalingFactor: config.scaling_factor,
      scale: 2 ** (config.encoder_block_out_channels.length - 1),
    }
  }
  const config = readConfig(file, klConfigSchema)
  return {
    encoder: buildKlEncoder(config, weights),
    decoder: buildKlDecoder(config, weights),
    latentChannels: config.latent_channels,
    scalingFactor: config.scaling_factor,
    scale: 2 ** (config.block_out_channels.length - 1),
  }
}
