import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeFlows } from './compose.ts'
import { uniformFlow } from './constant-flow.ts'
import type { Flow } from './flow.ts'

const width = 24
const height = 18
const small = fc.double({ min: -3, max: 3, noNaN: true })
function affine(a: number, b: number): Flow {
  const data = Float32Array.from({ length: width * height * 2 }, (_, q) => {
    const x = (q >> 1) % width
    const y = Math.floor((q >> 1) / width)
    return q % 2 === 0 ? a + 0.02 * x - 0.01 * y : b + 0.03 * y
  })
  return { width, height, data }
}

describe('composed flow', () => {
  it('is the sum for even motion', () => {
    fc.assert(
      fc.property(small, small, small, small, (a, b, c, d) => {
        const sum = composeFlows(uniformFlow(width, height, a, b), uniformFlow(width, height, c, d))
        for (let q = 0; q < sum.data.length; q += 2) {
          expect(sum.data[q]).toBeCloseTo(a + c, 4)
          expect(sum.data[q + 1]).toBeCloseTo(b + d, 4)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('is the second flow where the first one leads, plus the first', () => {
    const ab = affine(1.3, -0.7)
    const bc = affine(-0.4, 0.9)
    const ac = composeFlows(ab, bc)
    for (let y = 4; y < 14; y++) {
      for (let x = 4; x < 18; x++) {
        const q = 2 * (y * width + x)
        const [px, py] = [x + ab.data[q]!, y + ab.data[q + 1]!]
        expect(ac.data[q]).toBeCloseTo(ab.data[q]! - 0.4 + 0.02 * px - 0.01 * py, 4)
        expect(ac.data[q + 1]).toBeCloseTo(ab.data[q + 1]! + 0.9 + 0.03 * py, 4)
      }
    }
  })

  it('does not change with a still flow on either side', () => {
    const still = uniformFlow(width, height, 0, 0)
    const flow = affine(1.1, 0.3)
    expect(composeFlows(still, flow).data).toEqual(flow.data)
    expect(composeFlows(flow, still).data).toEqual(flow.data)
  })

  it('refuses sizes that differ', () => {
    expect(() => composeFlows(uniformFlow(4, 3, 0, 0), uniformFlow(3, 4, 0, 0))).toThrow(TypeError)
  })
})
