import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { noiseScheduleFromConfig } from './noise-schedule.ts'
import { noiseSteps, sigmaSpacings, type SigmaSpacing, type StepLayout } from './spacing.ts'

interface GoldenRun {
  readonly key: string
  readonly scheduler: string
  readonly steps: number
  readonly strength?: number
  readonly first_step?: number
  readonly timesteps: readonly number[]
  readonly sigmas?: readonly number[]
}

interface Golden {
  readonly runs: readonly GoldenRun[]
  readonly configs: Readonly<Record<string, { readonly config: unknown }>>
}

const layouts: Readonly<Record<string, StepLayout>> = {
  ddim: 'ddim',
  ddim_eta1: 'ddim',
  ddim_trailing: 'ddim',
  ddim_zero_snr: 'ddim',
  ddpm: 'ddim',
  euler: 'euler',
  euler_a: 'euler',
  euler_linspace: 'euler',
  euler_trailing: 'euler',
  euler_karras: 'euler',
  dpmpp_2m: 'dpmpp',
  dpmpp_2m_linspace: 'dpmpp',
  dpmpp_2m_karras: 'dpmpp',
  dpmpp_2m_sde_karras: 'dpmpp',
  unipc: 'dpmpp',
  lcm: 'lcm',
}

describe('the steps of a run', () => {
  let golden: Golden
  beforeAll(async () => {
    golden = JSON.parse(await readFile('test/goldens/schedulers/schedulers.json', 'utf8')) as Golden
  })

  it.each(Object.entries(layouts))('are those of the reference: %s', (name, layout) => {
    const schedule = noiseScheduleFromConfig(golden.configs[name]!.config)
    const runs = golden.runs.filter(({ scheduler }) => scheduler === name)
    expect(runs.length).toBeGreaterThanOrEqual(3)
    for (const { key, steps, strength, first_step, timesteps, sigmas } of runs) {
      const ours = noiseSteps(schedule, { layout, steps, strength })
      expect(ours.first, key).toBe(first_step ?? 0)
      expect(ours.timesteps.length, key).toBe(timesteps.length)
      expect(ours.sigmas.length, key).toBe(timesteps.length + 1)
      // DPM++ rounds the timesteps of Karras sigmas, we do not.
      const rounded = layout === 'dpmpp' ? ours.timesteps.map(Math.round) : ours.timesteps
      for (const [i, t] of timesteps.entries())
        if (Number.isInteger(t)) expect(rounded[i], key).toBe(t)
        else expect(Math.abs(rounded[i]! - t), key).toBeLessThan(1e-3)
      for (const [i, sigma] of (sigmas?.slice(ours.first) ?? []).entries())
        expect(Math.abs(ours.sigmas[i]! - sigma), key).toBeLessThanOrEqual(1e-4 * sigma)
    }
  })

  const stableDiffusion = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 }

  it("span the whole schedule in Karras' spacing, as the reference's DPM++ does, whatever the sampler", () => {
    const schedule = noiseScheduleFromConfig(stableDiffusion)
    const { sigmas } = golden.runs.find(({ key }) => key === 'dpmpp_2m_karras.eps.10')!
    for (const layout of ['ddim', 'ddpm', 'euler', 'dpmpp', 'lcm'] as const)
      for (const [i, sigma] of noiseSteps(schedule, { layout, steps: 10, sigmas: 'karras' }).sigmas.entries())
        expect(Math.abs(sigma - sigmas![i]!)).toBeLessThanOrEqual(1e-4 * sigmas![i]!)
  })

  it('are even in log(sigma) in the exponential spacing, in the timestep in the others', () => {
    const schedule = noiseScheduleFromConfig(stableDiffusion)
    const steps = (sigmas: SigmaSpacing) => noiseSteps(schedule, { layout: 'euler', steps: 4, sigmas })
    const { sigmas } = steps('exponential')
    expect(sigmas.map((sigma) => Number(sigma.toFixed(4)))).toEqual([14.6146, 1.84, 0.2317, 0.0292, 0])
    expect(steps('sgm_uniform').timesteps).toEqual([999, 749.25, 499.5, 249.75])
    expect(steps('simple').timesteps).toEqual([999, 749, 499, 249])
    expect(steps('trailing').timesteps).toEqual([999, 749, 499, 249])
    expect(steps('linspace').timesteps).toEqual([999, 666, 333, 0])
    expect(steps('leading').timesteps).toEqual([751, 501, 251, 1])
    for (const spacing of sigmaSpacings) expect(steps(spacing).sigmas.at(-1), spacing).toBe(0)
    expect(noiseSteps(schedule, { layout: 'lcm', steps: 80 }).timesteps).toHaveLength(80)
  })

  it('end where the checkpoint says', () => {
    const ends = (config: object): (number | undefined)[] =>
      (['ddim', 'euler'] as const).map((layout) =>
        noiseSteps(noiseScheduleFromConfig(config), { layout, steps: 5 }).sigmas.at(-1),
      )
    const lowest = noiseScheduleFromConfig({}).sigmaAt(0)
    expect(ends({})).toEqual([0, 0])
    expect(ends({ set_alpha_to_one: false })).toEqual([lowest, 0])
    expect(ends({ _class_name: 'PNDMScheduler' })).toEqual([lowest, 0])
    expect(ends({ final_sigmas_type: 'sigma_min' })).toEqual([0, lowest])
  })

  it('fall from one to the next and are as many as strength asks for', () => {
    const schedules = (['leading', 'trailing', 'linspace'] as const).map((spacing) =>
      noiseScheduleFromConfig({ beta_schedule: 'scaled_linear', timestep_spacing: spacing, steps_offset: 1 }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.constantFrom<StepLayout>('ddim', 'ddpm', 'euler', 'dpmpp', 'lcm'),
        fc.integer({ min: 1, max: 400 }),
        fc.double({ min: 0.01, max: 1 }),
        fc.constantFrom(undefined, ...sigmaSpacings),
        (schedule, layout, steps, strength, spacing) => {
          fc.pre(Math.floor(steps * strength) > 0)
          const { sigmas, timesteps, first } = noiseSteps(schedule, { layout, steps, strength, sigmas: spacing })
          expect(timesteps.length).toBe(Math.floor(steps * strength))
          expect(first).toBe(steps - timesteps.length)
          for (let i = 0; i < timesteps.length; i++) {
            expect(sigmas[i]!).toBeGreaterThanOrEqual(sigmas[i + 1]!)
            const back = schedule.timestepAt(sigmas[i]!)
            if (Number.isInteger(timesteps[i]!)) expect(back).toBe(timesteps[i])
            else expect(Math.abs(back - timesteps[i]!)).toBeLessThan(0.2)
          }
        },
      ),
    )
  })

  it('round halves to even, as numpy does', () => {
    const schedule = noiseScheduleFromConfig({ timestep_spacing: 'trailing' })
    const { timesteps } = noiseSteps(schedule, { layout: 'ddim', steps: 16 })
    expect(timesteps).toEqual([999, 937, 874, 811, 749, 687, 624, 561, 499, 437, 374, 311, 249, 187, 124, 61])
  })

  it('may be as many as there are timesteps', () => {
    const schedule = noiseScheduleFromConfig({ steps_offset: 1 })
    for (const layout of ['ddim', 'euler', 'dpmpp'] as const)
      expect(new Set(noiseSteps(schedule, { layout, steps: 1000 }).timesteps).size).toBeGreaterThan(990)
  })

  it('refuse what leaves nothing to do', () => {
    const schedule = noiseScheduleFromConfig({})
    const steps = (count: number, strength: number) => () => noiseSteps(schedule, { layout: 'ddim', steps: count, strength })
    expect(steps(20, 0.04)).toThrow(RangeError)
    expect(steps(20, 0)).toThrow(/strength/)
    expect(steps(20, 1.1)).toThrow(/strength/)
    expect(steps(0, 1)).toThrow(/steps/)
    expect(steps(2.5, 1)).toThrow(/steps/)
    expect(steps(20, 0.05)().timesteps).toHaveLength(1)
  })
})
