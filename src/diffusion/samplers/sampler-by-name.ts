import { OfgenError } from '../../errors.ts'
import type { Sampler } from '../denoiser.ts'
import type { StepLayout } from '../spacing.ts'
import { sampleDdim } from './ddim.ts'
import { sampleDpmpp2m, sampleDpmpp2mSde } from './dpmpp-2m.ts'
import { sampleEulerAncestral } from './euler-ancestral.ts'
import { sampleEuler } from './euler.ts'
import { sampleHeun } from './heun.ts'

/** A sampler and how the noise levels it walks down are laid out. */
export interface NamedSampler {
  readonly name: string
  readonly sample: Sampler
  readonly layout: StepLayout
  /** Whether `SampleOptions.noise` is needed. */
  readonly drawsNoise: boolean
  /** Network evaluations for a number of steps that end in sigma 0. */
  readonly evaluations: (steps: number) => number
}

const samplers: readonly NamedSampler[] = [
  { name: 'ddim', sample: sampleDdim, layout: 'ddim', drawsNoise: false, evaluations: (steps) => steps },
  { name: 'euler', sample: sampleEuler, layout: 'euler', drawsNoise: false, evaluations: (steps) => steps },
  { name: 'euler_a', sample: sampleEulerAncestral, layout: 'euler', drawsNoise: true, evaluations: (steps) => steps },
  { name: 'heun', sample: sampleHeun, layout: 'euler', drawsNoise: false, evaluations: (steps) => 2 * steps - 1 },
  { name: 'dpmpp_2m', sample: sampleDpmpp2m, layout: 'dpmpp', drawsNoise: false, evaluations: (steps) => steps },
  { name: 'dpmpp_2m_sde', sample: sampleDpmpp2mSde, layout: 'dpmpp', drawsNoise: true, evaluations: (steps) => steps },
]

/** The names that {@link samplerByName} accepts. */
export const samplerNames: readonly string[] = samplers.map(({ name }) => name)

/** @throws OfgenError option_invalid, naming the accepted names. */
export function samplerByName(name: string): NamedSampler {
  const sampler = samplers.find((candidate) => candidate.name === name)
  if (sampler === undefined)
    throw new OfgenError('option_invalid', `There is no sampler "${name}"; accepted are ${samplerNames.join(', ')}.`)
  return sampler
}
