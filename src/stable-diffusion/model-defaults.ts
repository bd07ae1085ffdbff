import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts'
import { readConfig } from './checkpoint/config-file.ts'
import type { ModelDefaults } from './diffusion-model.ts'
import { families, type Family } from './family.ts'

/** What Stable Diffusion 1 models are at home with. */
export const sd1Defaults: ModelDefaults = {
  strength: 0.4,
  steps: 20,
  cfgScale: 7,
  sampler: 'ddim',
  prompt: 'masterpiece, best quality, {style}',
  negative: 'worst quality, low quality, normal quality',
  styles: {
    anime: 'anime, cel shading',
    oil: 'oil painting',
    watercolor: 'watercolor',
    sketch: 'pencil sketch, monochrome',
    comic: 'comic, halftone',
    pixel: 'pixel art',
  },
  area: 512 * 512,
}

/** The file `ofgen.json` inside a model's folder: any of the defaults. */
const defaultsSchema = z.strictObject({
  strength: z.number().gt(0).max(1).default(sd1Defaults.strength),
  steps: z.int().min(1).max(1000).default(sd1Defaults.steps),
  cfgScale: z.number().min(1).default(sd1Defaults.cfgScale),
  sampler: z.string().min(1).default(sd1Defaults.sampler),
  prompt: z.string().default(sd1Defaults.prompt),
  negative: z.string().default(sd1Defaults.negative),
  styles: z.record(z.string(), z.string()).default({ ...sd1Defaults.styles }),
  area: z.int().positive().default(sd1Defaults.area),
})

/** What a family is at home with; SD 2 predicts v at 768 pixels and epsilon at 512. */
export function defaultsOf(family: Family, prediction: NoiseSchedule['predictionType']): ModelDefaults {
  const { area } = families[family === 'sd2' && prediction === 'epsilon' ? 'sd1' : family]
  return { ...sd1Defaults, area }
}

/** Settings its makers recommend, from `ofgen.json` in the folder where there is one. @throws OfgenError model_invalid. */
export function readDefaults(folder: string, fallback: ModelDefaults): ModelDefaults {
  const file = join(folder, 'ofgen.json')
  return existsSync(file) ? readConfig(file, defaultsSchema) : fallback
}
