import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { maxDifference, readGolden } from '../../../test/safetensors.ts'
import type { Tensor } from '../../onnx/tensor.ts'
import type { Denoiser, Latent } from '../denoiser.ts'
import { noiseScheduleFromConfig, type NoiseSchedule } from '../noise-schedule.ts'
import { addNoise, toVarianceExploding, toVariancePreserving, x0FromOutput } from '../prediction.ts'
import { noiseSteps } from '../spacing.ts'
import { sampleDdim } from './ddim.ts'
import { sampleEuler } from './euler.ts'
import { sampleEulerAncestral } from './euler-ancestral.ts'
import { parseSampler, samplerByName, samplerNames } from './sampler-by-name.ts'

interface GoldenRun {
  readonly key: string
  readonly scheduler: string
  readonly prediction_type: NoiseSchedule['predictionType']
  readonly steps: number
  readonly strength?: number
  readonly timesteps: readonly number[]
  readonly init_noise_sigma: number
  readonly noise_drawn: number
}

interface Golden {
  readonly runs: readonly GoldenRun[]
  readonly configs: Readonly<Record<string, { readonly config: object; readonly step: { readonly eta?: number } }>>
}

/** Which of our samplers each of the reference's schedulers is, and whether its states are in the VE scaling. */
const schedulers: Readonly<Record<string, { readonly sampler: string; readonly ve: boolean; readonly only?: RegExp }>> = {
  ddim: { sampler: 'ddim', ve: false },
  ddim_eta1: { sampler: 'ddim', ve: false },
  ddim_trailing: { sampler: 'ddim', ve: false },
  ddim_zero_snr: { sampler: 'ddim', ve: false },
  euler: { sampler: 'euler', ve: true },
  euler_linspace: { sampler: 'euler', ve: true },
  euler_karras: { sampler: 'euler', ve: true },
  euler_trailing: { sampler: 'euler', ve: true },
  euler_a: { sampler: 'euler_a', ve: true },
  heun: { sampler: 'heun', ve: true },
  dpmpp_2m: { sampler: 'dpmpp_2m', ve: false },
  dpmpp_2m_linspace: { sampler: 'dpmpp_2m', ve: false },
  dpmpp_2m_karras: { sampler: 'dpmpp_2m', ve: false },
  dpmpp_2m_sde_karras: { sampler: 'dpmpp_2m_sde', ve: false },
  ddpm: { sampler: 'ddpm', ve: false },
  lcm: { sampler: 'lcm', ve: false },
  unipc: { sampler: 'unipc', ve: false },
  // In runs that begin on the way the reference takes a state for that of another timestep; its mean of two v is not that of two epsilons.
  pndm: { sampler: 'pndm', ve: false, only: /^pndm\.eps\.\d+$/ },
}

/** The stand-in network of the goldens. */
function network(seen: Latent, timestep: number): Latent {
  return seen.map((value) => Math.tanh(0.3 * value + (0.1 * timestep) / 1000))
}

describe('samplers', () => {
  let golden: Golden
  let tensor: (name: string) => Tensor
  beforeAll(async () => {
    golden = JSON.parse(await readFile('test/goldens/schedulers/schedulers.json', 'utf8')) as Golden
    tensor = readGolden('test/goldens/schedulers/trajectories.safetensors')
  })
  const floats = (name: string): Float32Array => tensor(name).data as Float32Array

  it.each(Object.entries(schedulers))('follow the trajectories of the reference: %s', async (name, { sampler, ve, only }) => {
    const { config, step } = golden.configs[name]!
    const { sample, layout, draws, evaluations } = samplerByName(sampler)
    const runs = golden.runs.filter(({ scheduler, key }) => scheduler === name && (only?.test(key) ?? true))
    expect(runs.length).toBeGreaterThanOrEqual(3)
    for (const { key, prediction_type, steps, strength, timesteps, init_noise_sigma, noise_drawn } of runs) {
      const schedule = noiseScheduleFromConfig({ ...config, prediction_type })
      const { sigmas } = noiseSteps(schedule, { layout, steps, strength })
      const expected = floats(`${key}.x`)
      const noise = floats('noise')
      const size = noise.length
      const first = sigmas[0]!
      // Where the reference's first sample is noise * sigma, ours is what it hands over.
      const pure = ve ? noise.map((value) => value * init_noise_sigma) : toVarianceExploding(noise, first)
      const start = strength === undefined ? pure : addNoise(floats('start'), noise, first)
      const states: Float32Array[] = []
      // The reference's timesteps, also where DPM++ rounds them.
      const distinct = timesteps.filter((t, i) => t !== timesteps[i - 1])
      const denoise: Denoiser = async (x, sigma) => {
        const seen = toVariancePreserving(x, sigma)
        states.push(ve ? x : seen)
        const timestep = layout === 'dpmpp' ? timesteps[states.length - 1]! : distinct[sigmas.indexOf(sigma)]!
        return x0FromOutput(x, sigma, network(seen, timestep), schedule.predictionType)
      }
      const drawn = (draws > 0 || step.eta === 1) && noise_drawn > 0 ? floats(`${key}.noise`) : new Float32Array()
      const options = { ...step, noise: (i: number) => drawn.subarray(i * size, (i + 1) * size) }
      states.push(await sample(denoise, start, sigmas, options))
      expect(states.length, key).toBe(timesteps.length + 1)
      expect(states.length, key).toBe(evaluations(sigmas.length - 1) + 1)
      expect(expected.length, key).toBe(states.length * size)
      for (const [i, state] of states.entries())
        expect(maxDifference(state, expected.subarray(i * size, (i + 1) * size)), `${key} state ${i}`).toBeLessThan(2e-4)
    }
  })

  it('walk to x0 itself when the denoiser always gives the same', async () => {
    const noise = samplerNames.map((name) => samplerByName(name))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...noise),
        fc.float32Array({ minLength: 3, maxLength: 3, noNaN: true, min: -4, max: 4 }),
        fc.integer({ min: 1, max: 25 }),
        async ({ sample, layout }, target, steps) => {
          const { sigmas } = noiseSteps(noiseScheduleFromConfig({ beta_schedule: 'scaled_linear' }), { layout, steps })
          const result = await sample(async () => target, Float32Array.of(9, -9, 4), sigmas, {
            noise: () => Float32Array.of(1, -1, 0.5),
          })
          expect(maxDifference(result, target)).toBeLessThan(1e-5)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('are told apart by name, and the error lists the names', () => {
    expect(samplerByName('euler').sample).toBe(sampleEuler)
    expect(() => samplerByName('dpm_adaptive')).toThrow(
      /"dpm_adaptive".*ddim, ddpm, euler, euler_a, heun, dpmpp_2m, dpmpp_2m_sde/,
    )
  })
})

describe("A1111's names", () => {
  it.each([
    ['Euler a', 'euler_a', undefined],
    ['Euler', 'euler', undefined],
    ['heun', 'heun', undefined],
    ['DPM++ 2M', 'dpmpp_2m', undefined],
    ['DPM++ 2M Karras', 'dpmpp_2m', 'karras'],
    ['DPM++ SDE Karras', 'dpmpp_sde', 'karras'],
    ['dpm++ 2m sde exponential', 'dpmpp_2m_sde', 'exponential'],
    ['DPM++ 2M SDE', 'dpmpp_2m_sde', undefined],
    ['DPM++ SDE', 'dpmpp_sde', undefined],
    ['Euler SGM Uniform', 'euler', 'sgm_uniform'],
    ['Euler a Simple', 'euler_a', 'simple'],
    [' DDIM ', 'ddim', undefined],
    ['PLMS', 'pndm', undefined],
    ['UniPC', 'unipc', undefined],
    ['uni_pc', 'unipc', undefined],
    ['LCM', 'lcm', undefined],
    ['DDPM', 'ddpm', undefined],
    ['euler_ancestral karras', 'euler_a', 'karras'],
  ])('%s is %s, spaced %s', (name, sampler, sigmas) => {
    const parsed = parseSampler(name)
    expect([parsed.sampler.name, parsed.sigmas]).toEqual([sampler, sigmas])
  })

  it.each(['', 'karras', 'DPM++ 2M Kerras', 'constructor', 'Euler a Karras Karras'])('"%s" is refused', (name) => {
    expect(() => parseSampler(name)).toThrow(/There is no sampler/)
  })
})

describe('DPM++ SDE', () => {
  it('is the two ancestral steps of its paper, written in -log(sigma)', async () => {
    const [sigma, next, x, [upper, lower]] = [5, 2, 3, [0.7, -1.1]]
    const network = (value: number, level: number): number => Math.tanh(value / (1 + level)) + 0.1 * level
    const [t, end] = [-Math.log(sigma), -Math.log(next)]
    const s = t + (end - t) / 2
    /** Where the deterministic part of a step to `to` ends, and what is drawn. */
    const split = (to: number): [number, number] => {
      const up = Math.min(to, Math.sqrt((to ** 2 * (sigma ** 2 - to ** 2)) / sigma ** 2))
      return [-Math.log(Math.sqrt(to ** 2 - up ** 2)), up]
    }
    const [down1, up1] = split(Math.exp(-s))
    const d1 = network(x, sigma)
    const x2 = (Math.exp(-down1) / sigma) * x - Math.expm1(t - down1) * d1 + up1 * upper!
    const d2 = network(x2, Math.exp(-s))
    const [down2, up2] = split(next)
    const middle = Math.exp(-s)
    const whole = (Math.sqrt(sigma - middle) * upper! + Math.sqrt(middle - next) * lower!) / Math.sqrt(sigma - next)
    const expected = (Math.exp(-down2) / sigma) * x - Math.expm1(t - down2) * d2 + up2 * whole
    const [result] = await samplerByName('dpmpp_sde').sample(
      async (state, level) => state.map((value) => network(value, level)),
      Float32Array.of(x),
      [sigma, next],
      { noise: (_, draw) => Float32Array.of([upper!, lower!][draw]!) },
    )
    expect(result! * Math.sqrt(1 + next * next)).toBeCloseTo(expected, 5)
  })

  /** How wide the results of a run are spread whose true pictures are normal with deviation 0.7: all samplers are linear there. */
  async function deviation(name: string, steps: number): Promise<number> {
    const { sample, draws } = samplerByName(name)
    const { sigmas } = noiseSteps(noiseScheduleFromConfig({ beta_schedule: 'scaled_linear' }), {
      layout: 'euler',
      steps,
      sigmas: 'karras',
    })
    // One place for the start and each draw: what it contributes.
    const size = 1 + draws * steps
    const unit = (place: number): Float32Array => Float32Array.from({ length: size }, (_, i) => (i === place ? 1 : 0))
    const start = unit(0).map((value) => value * Math.hypot(0.7, sigmas[0]!))
    const result = await sample(async (x, sigma) => x.map((value) => (value * 0.49) / (0.49 + sigma * sigma)), start, sigmas, {
      noise: (step, draw) => unit(1 + step * draws + draw),
    })
    return Math.hypot(...result)
  }

  it('keeps the spread of the pictures, and more exactly than a sampler of first order', async () => {
    const [few, many] = [await deviation('dpmpp_sde', 15), await deviation('dpmpp_sde', 60)]
    expect(Math.abs(many - 0.7)).toBeLessThan(0.004)
    expect(Math.abs(many - 0.7)).toBeLessThan(Math.abs(few - 0.7) / 2)
    expect(Math.abs(few - 0.7)).toBeLessThan(Math.abs((await deviation('euler_a', 30)) - 0.7))
  })
})

describe('a run', () => {
  const sigmas = [5, 2, 1, 0.03]

  it.each(samplerNames)('stops at the next step once cancelled: %s', async (name) => {
    const controller = new AbortController()
    let calls = 0
    const denoise: Denoiser = async (x) => {
      if (++calls === 2) controller.abort()
      return x.map((value) => value / 2)
    }
    const run = samplerByName(name).sample(denoise, Float32Array.of(1), sigmas, {
      signal: controller.signal,
      noise: () => Float32Array.of(0),
    })
    await expect(run).rejects.toMatchObject({ name: 'AbortError' })
    expect(calls).toBe(2)
  })

  it.each(samplerNames)('takes two equal sigmas for no step at all: %s', async (name) => {
    const denoise: Denoiser = async (x, sigma) => x.map((value) => value / (2 + sigma))
    const { sample } = samplerByName(name)
    const options = { noise: () => Float32Array.of(0) }
    const once = await sample(denoise, Float32Array.of(3), [2, 1, 0.5, 0], options)
    const twice = await sample(denoise, Float32Array.of(3), [2, 2, 1, 0.5, 0], options)
    expect(maxDifference(twice, once)).toBeLessThan(1e-6)
  })

  it.each(samplerNames)('shows the x0 of each step and leaves its arguments as they are: %s', async (name) => {
    const steps: [number, number, number][] = []
    const x = Float32Array.of(3)
    await samplerByName(name).sample(async (_, sigma) => Float32Array.of(sigma / 2), x, sigmas, {
      onStep: (step, x0, sigma) => steps.push([step, x0[0]!, sigma]),
      noise: () => Float32Array.of(0),
    })
    expect(steps).toEqual([
      [0, 2.5, 5],
      [1, 1, 2],
      [2, 0.5, 1],
    ])
    expect(x[0]).toBe(3)
  })

  it("ends in the model's own scaling when the last sigma is not 0", async () => {
    const result = await sampleDdim(async (x) => x, Float32Array.of(2), [1, 0.75])
    expect(result[0]).toBeCloseTo(2 / 1.25, 6)
  })

  it('needs noise where it adds noise, and a proper eta', async () => {
    const denoise: Denoiser = async (x) => x
    await expect(sampleDdim(denoise, Float32Array.of(1), [2, 1], { eta: 0.5 })).rejects.toThrow(/noise/)
    await expect(samplerByName('dpmpp_2m_sde').sample(denoise, Float32Array.of(1), [2, 1])).rejects.toThrow(/noise/)
    await expect(sampleEulerAncestral(denoise, Float32Array.of(1), [2, 1], { eta: 1.5 })).rejects.toThrow(/eta/)
    await expect(sampleEulerAncestral(denoise, Float32Array.of(1), [2, 1], { eta: 0 })).resolves.toEqual(
      await sampleEuler(denoise, Float32Array.of(1), [2, 1]),
    )
  })
})
