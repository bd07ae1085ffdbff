import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { families, type Family } from '../family.ts'
import { taesdConfigSchema } from '../taesd.ts'
import { klConfigSchema } from '../vae.ts'
import type { VaePart } from './checkpoint.ts'
import { checkConfig, readConfig } from './config-file.ts'
import { diffusersComponent, vaeOfComponent } from './component.ts'
import { klConfigOf, ldmVaeName } from './ldm-vae.ts'
import { openTensorFile } from './open-tensor-file.ts'
import { recognise, vaePrefix } from './recognise.ts'
import { originalTaesd, taesdConfigOf } from './taesd-layout.ts'
import type { TensorFile } from './tensor-file.ts'
import { weightsOf } from './weights.ts'

/**
 * Opens an autoencoder on its own: a file in the LDM or diffusers layout (also inside a whole checkpoint), a diffusers
 * folder, or a tiny autoencoder in diffusers' or its original layout (two files; either may be named, or their folder).
 *
 * @param path For a file that does not say, its scaling factor is that of `family`.
 * @throws OfgenError model_missing, or model_invalid naming what the file is instead.
 */
export function openVae(path: string, family: Family): VaePart {
  const place = resolve(path)
  if (!existsSync(place))
    throw new OfgenError('model_missing', `There is no autoencoder at ${place}.`, { hint: 'Give a file or a folder with --vae.' })
  if (statSync(place).isDirectory()) {
    const inside = existsSync(join(place, 'vae', 'config.json')) ? join(place, 'vae') : place
    if (existsSync(join(inside, 'config.json'))) return vaeOfComponent(diffusersComponent(inside, 'diffusion_pytorch_model'))
    for (const name of ['taesd_encoder', 'taesdxl_encoder'])
      for (const kind of ['.safetensors', '.pth'])
        if (existsSync(join(place, name + kind))) return taesdPair(join(place, name + kind))
    throw new OfgenError(
      'model_missing',
      `${place} holds no autoencoder: neither config.json nor taesd_encoder.safetensors is there.`,
    )
  }
  const file = openTensorFile(place)
  const part = vaeInFile(file, '', family) ?? vaeInFile(file, vaePrefix, family)
  if (part !== undefined) return part
  if (/encoder|decoder/.test(basename(place)) && (file.tensors.has('0.weight') || file.tensors.has('1.weight')))
    return taesdPair(place)
  throw new OfgenError('model_invalid', `${place} is no autoencoder but ${recognise(file.tensors).title}.`, {
    hint: 'Accepted are VAEs of Stable Diffusion and tiny autoencoders (TAESD).',
  })
}

/** The autoencoder whose names begin with `prefix`, in any layout; undefined if the file has none. */
export function vaeInFile(file: TensorFile, prefix: string, family: Family, config?: string): VaePart | undefined {
  const { tensors } = file
  const beside = config ?? join(dirname(file.path), 'config.json')
  const files = [file.path]
  for (const layout of ['ldm', 'diffusers'] as const) {
    const derived = klConfigOf(tensors, prefix, layout)
    if (derived === undefined) continue
    const title = `${file.path} (its autoencoder)`
    const read = config === undefined ? derived : readConfig(beside, klConfigSchema)
    const checked = checkConfig({ scaling_factor: families[family].scalingFactor, ...read }, klConfigSchema, title)
    const levels = checked.block_out_channels.length
    const weights = weightsOf([file], (name) => ({ name: prefix + (layout === 'ldm' ? ldmVaeName(name, levels) : name) }))
    return { kind: 'kl', config: checked, weights, files }
  }
  const tiny = taesdConfigOf((name) => tensors.get(prefix + name)?.dims)
  if (tiny === undefined) return undefined
  return {
    kind: 'tiny',
    config: checkConfig(tiny, taesdConfigSchema, file.path),
    weights: weightsOf([file], (name) => ({ name: prefix + name })),
    files,
  }
}

function taesdPair(either: string): VaePart {
  const named = (side: string): string => join(dirname(either), basename(either).replace(/encoder|decoder/, side))
  const paths = ['encoder', 'decoder'].map(named) as [string, string]
  for (const path of paths)
    if (!existsSync(path))
      throw new OfgenError('model_missing', `The tiny autoencoder needs two files, but ${path} is not there.`, {
        hint: 'Put the encoder and the decoder side by side.',
      })
  const [encoder, decoder] = paths.map(openTensorFile) as [TensorFile, TensorFile]
  const weights = originalTaesd(encoder, decoder)
  const config = taesdConfigOf((name) => {
    const file = name.startsWith('decoder.') ? decoder : encoder
    return file.tensors.get(weights.nameOf!(name))?.dims
  })
  if (config === undefined) throw new OfgenError('model_invalid', `${paths.join(' with ')} is no tiny autoencoder.`)
  return { kind: 'tiny', config: checkConfig(config, taesdConfigSchema, either), weights, files: paths }
}
