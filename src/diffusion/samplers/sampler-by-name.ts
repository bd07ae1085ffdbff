import { OfgenError } from '../../errors.ts'
import type { Sampler } from '../denoiser.ts'
import { sigmaSpacings, type SigmaSpacing, type StepLayout } from '../spacing.ts'
import { sampleDdim } from './ddim.ts'
import { sampleDpmpp2m, sampleDpmpp2mSde } from './dpmpp-2m.ts'
import { sampleDpmppSde } from './dpmpp-sde.ts'
import { sampleEulerAncestral } from './euler-ancestral.ts'
import { sampleEuler } from './euler.ts'
import { sampleHeun } from './heun.ts'
import { sampleLcm } from './lcm.ts'
import { samplePndm } from './pndm.ts'
import { sampleUnipc } from './unipc.ts'

/** A sampler and how the noise levels it walks down are laid out. */
export interface NamedSampler {
  readonly name: string
  readonly sample: Sampler
  readonly layout: StepLayout
  /** How often it asks `SampleOptions.noise` at a step; 0: it needs none. */
  readonly draws: 0 | 1 | 2
  /** Network evaluations for a number of steps that end in sigma 0. */
  readonly evaluations: (steps: number) => number
}

const once = (steps: number): number => steps
const twice = (steps: number): number => 2 * steps - 1

const samplers: readonly NamedSampler[] = [
  { name: 'ddim', sample: sampleDdim, layout: 'ddim', draws: 0, evaluations: once },
  // In the variance-exploding scaling the posterior of DDPM (Ho et al. 2020, arXiv:2006.11239, equation 7) is an ancestral step.
  { name: 'ddpm', sample: sampleEulerAncestral, layout: 'ddpm', draws: 1, evaluations: once },
  { name: 'euler', sample: sampleEuler, layout: 'euler', draws: 0, evaluations: once },
  { name: 'euler_a', sample: sampleEulerAncestral, layout: 'euler', draws: 1, evaluations: once },
  { name: 'heun', sample: sampleHeun, layout: 'euler', draws: 0, evaluations: twice },
  { name: 'dpmpp_2m', sample: sampleDpmpp2m, layout: 'dpmpp', draws: 0, evaluations: once },
  { name: 'dpmpp_2m_sde', sample: sampleDpmpp2mSde, layout: 'dpmpp', draws: 1, evaluations: once },
  { name: 'dpmpp_sde', sample: sampleDpmppSde, layout: 'dpmpp', draws: 2, evaluations: twice },
  { name: 'unipc', sample: sampleUnipc, layout: 'dpmpp', draws: 0, evaluations: once },
  { name: 'pndm', sample: samplePndm, layout: 'ddim', draws: 0, evaluations: (steps) => (steps > 1 ? steps + 1 : 1) },
  { name: 'lcm', sample: sampleLcm, layout: 'lcm', draws: 1, evaluations: once },
]

/** The names of the samplers; {@link samplerByName} accepts others for them too. */
export const samplerNames: readonly string[] = samplers.map(({ name }) => name)

/** What else they are called, in small letters with `_` between the words and `pp` for `++`. */
const otherNames: Readonly<Record<string, string>> = {
  euler_ancestral: 'euler_a',
  k_euler: 'euler',
  k_euler_a: 'euler_a',
  plms: 'pndm',
  uni_pc: 'unipc',
  uni_pc_bh2: 'unipc',
  dpmpp_sde_gpu: 'dpmpp_sde',
  dpmpp_2m_sde_gpu: 'dpmpp_2m_sde',
}

/**
 * A sampler by its name here or in the A1111 web UI and ComfyUI: `dpmpp_2m`, `DPM++ 2M`, `Euler a`, `euler_ancestral`, `PLMS`…; capitals
 * do not count.
 *
 * @throws OfgenError option_invalid, naming the accepted names.
 */
export function samplerByName(name: string): NamedSampler {
  const sampler = findSampler(name)
  if (sampler === undefined) throw noSampler(name)
  return sampler
}

/**
 * A sampler's name with the spacing of its noise levels behind it, as the A1111 web UI writes both: `DPM++ 2M Karras`, `Euler SGM Uniform`.
 *
 * @returns `sigmas` undefined where the name does not say.
 * @throws OfgenError option_invalid, naming the accepted names.
 */
export function parseSampler(name: string): { readonly sampler: NamedSampler; readonly sigmas: SigmaSpacing | undefined } {
  const plain = findSampler(name)
  if (plain !== undefined) return { sampler: plain, sigmas: undefined }
  const normal = normalised(name)
  const sigmas = sigmaSpacings.find((spacing) => normal.endsWith(`_${spacing}`))
  const sampler = sigmas === undefined ? undefined : findSampler(normal.slice(0, -1 - sigmas.length))
  if (sampler === undefined) throw noSampler(name)
  return { sampler, sigmas }
}

function findSampler(name: string): NamedSampler | undefined {
  const normal = normalised(name)
  const own = Object.hasOwn(otherNames, normal) ? otherNames[normal] : normal
  return samplers.find((candidate) => candidate.name === own)
}

function normalised(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replaceAll(/[\s-]+/g, '_')
}

function noSampler(name: string): OfgenError {
  return new OfgenError('option_invalid', `There is no sampler "${name}"; accepted are ${samplerNames.join(', ')}.`, {
    hint: `A1111's names are accepted too, with the spacing behind them, for example "DPM++ 2M Karras".`,
  })
}
