import { existsSync } from 'node:fs'
import { OfgenError } from '../errors.ts'
import type { DownloadEvent } from '../models/hub/fetch-model.ts'
import { locateFile, type FileKind, type LocateFileOptions } from '../models/locate-file.ts'

/** How autoencoders are found. */
const vaeFiles: FileKind = {
  what: 'autoencoder',
  folders: ['vae', 'VAE', 'vae_approx'],
  endings: ['.safetensors', '.pt', '.pth', '.ckpt'],
  usual: 'diffusion_pytorch_model.safetensors',
}

/**
 * The path of an autoencoder as a user names it: as `locateFile`, and the tiny ones by their own names (`taesd`, `taesdxl`), whose
 * files come in pairs beside the model or in diffusers' form from their maker.
 */
export async function* locateVae(name: string, options: LocateFileOptions): AsyncGenerator<DownloadEvent, string, undefined> {
  if (!/^taesd[a-z0-9]*$/i.test(name) || existsSync(name)) return yield* locateFile(name, vaeFiles, options)
  try {
    return yield* locateFile(`${name}_decoder`, vaeFiles, options)
  } catch (error) {
    if (!(error instanceof OfgenError) || error.code !== 'model_missing') throw error
    return yield* locateFile(`madebyollin/${name.toLowerCase()}`, vaeFiles, options)
  }
}
