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
import { samplerByName, samplerNames } from './sampler-by-name.ts'

interface GoldenRun {
  readonly key: string
  readonly scheduler: string
  readonly prediction_type: NoiseSchedule['predictionType']
  readonly steps: number
  readonly strength?: number
  readonly timesteps: readonly number[]
  readonly init_noise_sigma: number
}

interface Golden {
  readonly runs: readonly GoldenRun[]
  readonly configs: Readonly<Record<string, { readonly config: object; readonly step: { readonly eta?: number } }>>
}

/** Which of our samplers each of the reference's schedulers is, and whether its states are in the VE scaling. */
const schedulers: Readonly<Record<string, { readonly sampler: string; readonly ve: boolean }>> = {
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

  it.each(Object.entries(schedulers))('follow the trajectories of the reference: %s', async (name, { sampler, ve }) => {
    const { config, step } = golden.configs[name]!
    const { sample, layout, drawsNoise, evaluations } = samplerByName(sampler)
    const runs = golden.runs.filter(({ scheduler }) => scheduler === name)
    expect(runs.length).toBeGreaterThanOrEqual(3)
    for (const { key, prediction_type, steps, strength, timesteps, init_noise_sigma } of runs) {
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
      const drawn = drawsNoise || step.eta === 1 ? floats(`${key}.noise`) : undefined
      const options = drawn === undefined ? {} : { ...step, noise: (i: number) => drawn.subarray(i * size, (i + 1) * size) }
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
    expect(() => samplerByName('plms')).toThrow(/"plms".*ddim, euler, euler_a, heun, dpmpp_2m, dpmpp_2m_sde/)
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
