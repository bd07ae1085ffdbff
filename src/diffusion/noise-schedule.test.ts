import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { noiseScheduleFromConfig } from './noise-schedule.ts'

const stableDiffusion = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' }

/** The share of the picture's variance that a sigma leaves. */
function alphaOf(sigma: number): number {
  return 1 / (1 + sigma * sigma)
}

describe('a noise schedule', () => {
  it("has the reference's alphas_cumprod", async () => {
    const golden = JSON.parse(await readFile('test/goldens/schedulers/schedulers.json', 'utf8')) as {
      alphas_cumprod: Record<string, number>
    }
    const schedule = noiseScheduleFromConfig(stableDiffusion)
    for (const [t, alpha] of Object.entries(golden.alphas_cumprod))
      expect(Math.abs(alphaOf(schedule.sigmaAt(Number(t))) / alpha - 1)).toBeLessThan(1e-5)
  })

  it.each([
    stableDiffusion,
    {},
    { beta_schedule: 'squaredcos_cap_v2' },
    { ...stableDiffusion, rescale_betas_zero_snr: true },
    { trained_betas: [0.1, 0.2, 0.3, 0.9], num_train_timesteps: null },
  ])('finds every whole timestep again from its sigma: %j', (config) => {
    const schedule = noiseScheduleFromConfig(config)
    expect(schedule.trainSteps).toBe('trained_betas' in config ? 4 : 1000)
    for (let t = 0; t < schedule.trainSteps; t++) {
      expect(schedule.timestepAt(schedule.sigmaAt(t))).toBe(t)
      if (t > 0) expect(schedule.sigmaAt(t)).toBeGreaterThan(schedule.sigmaAt(t - 1))
    }
  })

  it('clamps what lies outside and interpolates between', () => {
    const schedule = noiseScheduleFromConfig(stableDiffusion)
    expect([schedule.timestepAt(0), schedule.timestepAt(100), schedule.sigmaAt(-3)]).toEqual([0, 999, schedule.sigmaAt(0)])
    expect(schedule.sigmaAt(10.5)).toBeCloseTo((schedule.sigmaAt(10) + schedule.sigmaAt(11)) / 2, 14)
    const t = schedule.timestepAt(Math.sqrt(schedule.sigmaAt(10) * schedule.sigmaAt(11)))
    expect(t).toBeCloseTo(10.5, 10)
  })

  it('has betas and products as their definitions say', () => {
    const trained = noiseScheduleFromConfig({ trained_betas: [0.1, 0.5] })
    expect(alphaOf(trained.sigmaAt(1))).toBeCloseTo(0.9 * 0.5, 14)
    const linear = noiseScheduleFromConfig({ beta_start: 0.1, beta_end: 0.3, num_train_timesteps: 3 })
    expect(alphaOf(linear.sigmaAt(2))).toBeCloseTo(0.9 * 0.8 * 0.7, 14)
    const cosine = noiseScheduleFromConfig({ beta_schedule: 'squaredcos_cap_v2' })
    const bar = (t: number): number => Math.cos((((t / 1000 + 0.008) / 1.008) * Math.PI) / 2) ** 2
    expect(alphaOf(cosine.sigmaAt(499))).toBeCloseTo(bar(500) / bar(0), 12)
  })

  it('leaves nothing of the picture at the last timestep when rescaled, and the first one as it was', () => {
    const plain = noiseScheduleFromConfig(stableDiffusion)
    const rescaled = noiseScheduleFromConfig({ ...stableDiffusion, rescale_betas_zero_snr: true })
    expect(rescaled.sigmaAt(0)).toBeCloseTo(plain.sigmaAt(0), 12)
    expect(rescaled.sigmaAt(999)).toBeGreaterThan(1e5)
    expect(rescaled.sigmaAt(500)).toBeGreaterThan(plain.sigmaAt(500))
  })

  it('takes the spacing of the scheduler that wrote the file where it does not say', () => {
    expect(noiseScheduleFromConfig({ _class_name: 'PNDMScheduler' }).spacing).toBe('leading')
    expect(noiseScheduleFromConfig({ _class_name: 'EulerDiscreteScheduler' }).spacing).toBe('linspace')
    expect(noiseScheduleFromConfig({ _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' }).spacing).toBe(
      'trailing',
    )
  })

  it('refuses what it cannot do, naming the file and the setting', () => {
    expect(() => noiseScheduleFromConfig({ prediction_type: 'sample' }, 'a/config.json')).toThrow(
      /a\/config\.json.*prediction_type/,
    )
    expect(() => noiseScheduleFromConfig({ beta_schedule: 'sigmoid' })).toThrow(/beta_schedule/)
    expect(() => noiseScheduleFromConfig([])).toThrow(/noise schedule/)
  })
})
