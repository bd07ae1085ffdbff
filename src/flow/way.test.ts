import { expect, it } from 'vitest'
import { movingTexture } from '../../test/moving-texture.ts'
import type { Frame } from '../image/frame.ts'
import { uniformFlow } from './constant-flow.ts'
import { extendWay, type Step, type Way } from './way.ts'

const [width, height] = [48, 32]
/** The texture after `n` steps of (2, -1) pixels. */
const after = (n: number): Frame => movingTexture(width, height, () => [-2 * n, n]).from
const back: Step = { flow: uniformFlow(width, height, -2, 1), home: uniformFlow(width, height, 2, -1) }
const inside = (plane: Float32Array): number[] => {
  const values: number[] = []
  for (let y = 10; y < height - 10; y++) for (let x = 12; x < width - 12; x++) values.push(plane[y * width + x]!)
  return values
}

function threeSteps(far = after(0)): Way {
  let way: Way | undefined
  for (let n = 1; n <= 3; n++) way = extendWay(after(n), far, back, way)
  return way!
}

it('adds up the steps of an even motion both ways, and believes them where the frames agree', () => {
  const { flow, home, trust } = threeSteps()
  const middle = 2 * (16 * width + 24)
  expect([...flow.data.subarray(middle, middle + 2)]).toEqual([-6, 3])
  expect([...home.data.subarray(middle, middle + 2)]).toEqual([6, -3])
  expect(Math.min(...inside(trust.data))).toBeGreaterThan(0.9)
})

it('does not believe a way to a frame that looks otherwise', () => {
  const black = { width, height, data: new Uint8Array(width * height * 3) }
  expect(Math.max(...inside(threeSteps(black).trust.data))).toBeLessThan(0.05)
})

it('does not believe what comes from outside of the picture', () => {
  const { trust } = threeSteps()
  for (let y = 0; y < height; y++) expect(trust.data[y * width]).toBe(0)
})
