import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import type { Denoiser } from '../diffusion/denoiser.ts'
import { noiseScheduleFromConfig } from '../diffusion/noise-schedule.ts'
import { samplerByName, samplerNames } from '../diffusion/samplers/sampler-by-name.ts'
import { noiseSteps } from '../diffusion/spacing.ts'
import { constantSchedule, referenceSchedule, scheduleMotion } from './guidance-schedule.ts'
import { guideTowards } from './guide.ts'
import { progressOf, scheduledWeight } from './scheduled-weight.ts'

const schedule = noiseScheduleFromConfig({
  beta_schedule: 'scaled_linear',
  beta_start: 0.00085,
  beta_end: 0.012,
  steps_offset: 1,
})
const latent = fc.float32Array({ minLength: 6, maxLength: 6, noNaN: true, min: -2, max: 2 })
const network: Denoiser = async (x, sigma) => x.map((value) => Math.tanh(value / (1 + sigma)))

describe('guideTowards', () => {
  it('blends each cell of all channels by its own weight', async () => {
    const k0 = Float32Array.of(10, 10, 10, 20, 20, 20)
    const guided = guideTowards(
      k0,
      () => Float32Array.of(0, 0.5, 1),
      async () => Float32Array.of(1, 2, 3, 4, 5, 6),
    )
    expect(await guided(new Float32Array(6), 1)).toEqual(Float32Array.of(1, 6, 10, 4, 12.5, 20))
  })

  it('hands latent, sigma and signal on, and asks for the weight of that sigma', async () => {
    const { signal } = new AbortController()
    const x = Float32Array.of(4)
    const seen: unknown[] = []
    const guided = guideTowards(
      Float32Array.of(8),
      (sigma) => sigma / 8,
      async (...given) => {
        seen.push(...given)
        return Float32Array.of(0)
      },
    )
    expect((await guided(x, 2, signal))[0]).toBe(2)
    expect(seen).toEqual([x, 2, signal])
  })

  it('refuses what does not fit', async () => {
    const denoise: Denoiser = async (x) => x
    await expect(guideTowards(Float32Array.of(1), () => 1, denoise)(Float32Array.of(1, 2), 1)).rejects.toThrow(TypeError)
    await expect(
      guideTowards(Float32Array.of(1, 2, 3), () => Float32Array.of(1, 1), denoise)(new Float32Array(3), 1),
    ).rejects.toThrow(/weights/)
  })

  it('ends at k0 with weight 1, changes nothing with weight 0, with every sampler', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...samplerNames),
        latent,
        latent,
        fc.integer({ min: 2, max: 20 }),
        async (name, k0, start, steps) => {
          const { sample, layout } = samplerByName(name)
          const { sigmas } = noiseSteps(schedule, { layout, steps })
          const options = { noise: () => Float32Array.of(1, -1, 0.5, 0, 2, -2) }
          const all = await sample(
            guideTowards(k0, () => 1, network),
            start,
            sigmas,
            options,
          )
          expect(maxDifference(all, k0)).toBeLessThan(1e-5)
          const none = await sample(
            guideTowards(k0, () => new Float32Array(6), network),
            start,
            sigmas,
            options,
          )
          expect(maxDifference(none, await sample(network, start, sigmas, options))).toBe(0)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('is the 2023 script, step by step: epsilon is taken anew from the blended x0', async () => {
    await fc.assert(
      fc.asyncProperty(latent, latent, latent, fc.double({ min: 0, max: 1, noNaN: true }), async (start, noise, k0, w) => {
        const run = noiseSteps({ ...schedule, setAlphaToOne: false }, { layout: 'ddim', steps: 10, strength: 0.6 })
        const alpha = (sigma: number): number => 1 / (1 + sigma * sigma)
        // The script's loop, in its own scaling.
        const a0 = alpha(run.sigmas[0]!)
        let x = start.map((value, i) => Math.sqrt(a0) * value + Math.sqrt(1 - a0) * noise[i]!)
        for (const [i, next] of run.sigmas.slice(1).entries()) {
          const sigma = run.sigmas[i]!
          const [a, b] = [alpha(sigma), alpha(next)]
          const own = await network(
            x.map((value) => value / Math.sqrt(a)),
            sigma,
          )
          const x0 = own.map((value, j) => (1 - w) * value + w * k0[j]!)
          const eps = x.map((value, j) => (value - Math.sqrt(a) * x0[j]!) / Math.sqrt(1 - a))
          x = x.map((_, j) => Math.sqrt(b) * x0[j]! + Math.sqrt(1 - b) * eps[j]!)
        }
        const ours = await samplerByName('ddim').sample(
          guideTowards(k0, () => w, network),
          start.map((value, i) => value + run.sigmas[0]! * noise[i]!),
          run.sigmas,
        )
        expect(maxDifference(ours, x)).toBeLessThan(1e-5)
      }),
      { numRuns: 40 },
    )
  })
})

describe('progress', () => {
  it("is the script's: 0.62 to 1 for 50 steps at strength 0.4", () => {
    const run = noiseSteps(schedule, { layout: 'ddim', steps: 50, strength: 0.4 })
    const progress = run.sigmas.slice(0, -1).map(progressOf(run))
    expect(progress).toHaveLength(20)
    for (const [i, p] of progress.entries()) expect(p).toBeCloseTo((i + 30 + 1) / 50, 14)
  })

  it('lies between its neighbours between two levels, and never passes 1', () => {
    const run = { sigmas: [4, 2, 1, 0.5], first: 1, steps: 4 }
    const progress = progressOf(run)
    expect(progress(Math.sqrt(8))).toBeCloseTo(2.5 / 4, 12)
    expect([progress(9), progress(4), progress(1), progress(0.5), progress(0.1)]).toEqual([0.5, 0.5, 1, 1, 1])
    expect(progressOf({ sigmas: [1, 0], first: 0, steps: 1 })(0.3)).toBe(1)
  })

  it('gives a second evaluation at a level the weight of the step that begins there', async () => {
    const run = noiseSteps(schedule, { layout: 'euler', steps: 4 })
    const seen: number[] = []
    const progress = progressOf(run)
    const guided = guideTowards(new Float32Array(6), (sigma) => (seen.push(progress(sigma)), 0.5), network)
    await samplerByName('heun').sample(guided, new Float32Array(6).fill(9), run.sigmas)
    expect(seen).toEqual([0.25, 0.5, 0.5, 0.75, 0.75, 1, 1])
  })
})

describe('schedules', () => {
  const distance = { width: 4, height: 2, data: Float32Array.of(0, 1, 1.5, 1.6, 0, 0, 9, 9) }
  const motion = scheduleMotion({ distance }, 0.4)

  it("have the script's numbers", () => {
    expect(referenceSchedule(0.79, motion)).toEqual(Float32Array.of(0.6, 0.6, 0.6, 0.1, 0.6, 0.6, 0.1, 0.1))
    expect(referenceSchedule(0.8, motion)).toEqual(Float32Array.of(0.4, 0.4, 0.4, 0.1, 0.4, 0.4, 0.1, 0.1))
    expect(motion.mean_of_dist).toBeCloseTo(22.1 / 8, 6)
  })

  it('are resized to the latent by the mean of the two pixels next to a cell centre', () => {
    const run = { sigmas: [1, 0], first: 0, steps: 1 }
    const weight = scheduledWeight(() => Float32Array.of(1, 0, 0, 0.5, 1, 1, 0, 1), motion, run, { width: 2, height: 1 })
    expect(weight(1)).toEqual(Float32Array.of(0.75, 0.375))
    expect(scheduledWeight(constantSchedule(0.3), motion, run, { width: 2, height: 1 })(1)).toBe(0.3)
    expect(() => scheduledWeight(() => new Float32Array(3), motion, run, { width: 2, height: 1 })(1)).toThrow(RangeError)
  })

  it('refuse what makes no sense', () => {
    expect(() => constantSchedule(1.5)).toThrow(RangeError)
    expect(() => scheduleMotion({ distance }, 0)).toThrow(RangeError)
    expect(() => scheduleMotion({ distance, trust: { width: 1, height: 1, data: new Float32Array(1) } }, 1)).toThrow(TypeError)
  })
})
