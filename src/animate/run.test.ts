import { expect, test } from 'vitest'
import { texture } from '../../test/moving-picture.ts'
import type { FootageFrame } from './footage.ts'
import { createPaintNoise, type AnimateRun } from './run.ts'

test('every step and every draw of a step has noise of its own, the same for the same seed', () => {
  const noises = (seed: number): Float32Array[] => {
    const run = {
      painter: { shape: { channels: 1, height: 2, width: 2 }, draws: 2, run: { sigmas: [3, 2, 1, 0] } },
      settings: { seed, noise: 'fresh' },
    } as unknown as AnimateRun
    const item: FootageFrame = {
      frame: { index: 4, time: 0, image: texture(16, 16, 0) },
      hash: '',
      shot: 0,
      motion: undefined,
      trusted: 0,
    }
    const { start, step } = createPaintNoise(run)(item)
    return [start, ...[0, 1, 2].flatMap((n) => [step(n, 0), step(n, 1)])]
  }
  expect(new Set(noises(1).map(String)).size).toBe(7)
  expect(noises(1)).toEqual(noises(1))
  expect(noises(1)).not.toEqual(noises(2))
})
