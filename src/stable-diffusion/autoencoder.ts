import type { VaePart } from './checkpoint/checkpoint.ts'
import { buildTaesdDecoder, buildTaesdEncoder } from './taesd.ts'
import { buildKlDecoder, buildKlEncoder } from './vae.ts'

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

/** @throws OfgenError model_invalid for weights that do not fit their config. */
export function buildAutoencoder(vae: VaePart): Autoencoder {
  const { latent_channels: latentChannels, scaling_factor: scalingFactor } = vae.config
  if (vae.kind === 'tiny')
    return {
      encoder: buildTaesdEncoder(vae.config, vae.weights),
      decoder: buildTaesdDecoder(vae.config, vae.weights),
      latentChannels,
      scalingFactor,
      scale: 2 ** (vae.config.encoder_block_out_channels.length - 1),
    }
  return {
    encoder: buildKlEncoder(vae.config, vae.weights),
    decoder: buildKlDecoder(vae.config, vae.weights),
    latentChannels,
    scalingFactor,
    scale: 2 ** (vae.config.block_out_channels.length - 1),
  }
}
