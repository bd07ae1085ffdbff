import { describe, expect, it } from 'vitest'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import type { Frame } from '../image/frame.ts'
import { farnebackDefaults, farnebackEstimator } from './farneback.ts'
import { itEstimatesFlow } from './flow-estimator.contract.ts'
import { loadOpenCv } from './opencv.ts'

describe('Farneback', () => {
  it('tells which package to install where OpenCV is missing', async () => {
    const missing = (): unknown => {
      throw new Error('Cannot find module')
    }
    await expect(loadOpenCv(missing)).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('@techstark/opencv-js'),
      hint: expect.stringContaining('npm install'),
    })
  })

  it('leaves no handlers of OpenCV on the process', async () => {
    const listeners = (): number => process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')
    const before = listeners()
    await loadOpenCv()
    expect(listeners()).toBe(before)
  })

  // Vectors of pair 1 reach 37 px where there is little to hold on to; native OpenCV rounds otherwise there (SIMD).
  it.each([
    ['pair0', 1e-4],
    ['pair1', 2e-3],
  ] as const)('gives the numbers of native OpenCV on %s', async (pair, bound) => {
    const golden = readGolden('test/goldens/cv/flow.safetensors')
    const frame = (name: string): Frame => {
      const { dims, data } = golden(`${pair}.${name}`)
      const rgb = Uint8Array.from({ length: data.length * 3 }, (_, i) => (data as Int32Array)[Math.floor(i / 3)]!)
      return { width: dims[1]!, height: dims[0]!, data: rgb }
    }
    const flow = await farnebackEstimator({ levels: 3 }).estimate(frame('gray_a'), frame('gray_b'))
    expect(maxDifference(flow.data, golden(`${pair}.farneback`).data as Float32Array)).toBeLessThan(bound)
  })

  it('uses the settings of the reference by default and has them in its id', () => {
    expect(farnebackDefaults).toEqual({ pyrScale: 0.5, levels: 5, winSize: 15, iterations: 3, polyN: 5, polySigma: 1.2 })
    expect(farnebackEstimator().id).toBe(farnebackEstimator(farnebackDefaults).id)
    expect(farnebackEstimator({ levels: 3 }).id).not.toBe(farnebackEstimator().id)
  })

  it.each([{ pyrScale: 1 }, { levels: 0 }, { winSize: 1.5 }, { iterations: -1 }, { polySigma: 0 }])('refuses %o', (options) => {
    expect(() => farnebackEstimator(options)).toThrow(RangeError)
  })

  itEstimatesFlow(() => farnebackEstimator(), { still: 1e-3, translation: 0.35, affine: 0.25 })
})
