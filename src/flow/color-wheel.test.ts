import { describe, expect, it } from 'vitest'
import { flowPicture } from './color-wheel.ts'
import { uniformFlow } from './constant-flow.ts'

const colour = (u: number, v: number, longest = 1): number[] => [...flowPicture(uniformFlow(1, 1, u, v), longest).data]

describe('a flow picture', () => {
  it('is white where nothing moves', () => {
    expect(colour(0, 0)).toEqual([255, 255, 255])
    expect([...flowPicture(uniformFlow(2, 2, 0, 0)).data]).toEqual(Array(12).fill(255))
  })

  it('is red to the right, yellow down, blue-green to the left, purple up', () => {
    const [right, down, left, up] = [colour(1, 0), colour(0, 1), colour(-1, 0), colour(0, -1)]
    expect(right).toEqual([255, 0, 0])
    expect(down![0]).toBeGreaterThan(200)
    expect(down![1]).toBeGreaterThan(200)
    expect(down![2]).toBe(0)
    expect(left![0]).toBe(0)
    expect(left![2]).toBeGreaterThan(200)
    expect(up![2]).toBe(255)
    expect(up![1]).toBe(0)
  })

  it('gets paler with shorter vectors and darker beyond the longest', () => {
    expect(colour(0.5, 0)).toEqual([255, 128, 128])
    expect(colour(5, 0, 10)).toEqual([255, 128, 128])
    expect(colour(2, 0)).toEqual([191, 0, 0])
  })

  it('scales to its own longest vector by default', () => {
    const picture = flowPicture({ width: 2, height: 1, data: Float32Array.of(8, 0, 4, 0) })
    expect([...picture.data]).toEqual([255, 0, 0, 255, 128, 128])
  })

  it('changes hue without a jump all around', () => {
    let last = colour(Math.cos(0), Math.sin(0))
    for (let k = 1; k <= 360; k++) {
      const next = colour(Math.cos((k * Math.PI) / 180), Math.sin((k * Math.PI) / 180))
      for (let c = 0; c < 3; c++) expect(Math.abs(next[c]! - last[c]!)).toBeLessThanOrEqual(12)
      last = next
    }
  })
})
