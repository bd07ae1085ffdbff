import { expect, it } from 'vitest'
import { uniformFlow } from '../flow/constant-flow.ts'
import type { FloatImage } from '../image/frame.ts'
import { Random } from '../random.ts'
import { smoothAlong, type Neighbour } from './smooth-along.ts'

const [width, height] = [48, 32]
/** A wave that has moved `by` pixels to the right, under grain of its own. */
function wave(by: number, grain: number): FloatImage {
  const values = new Random(7, Math.round(by * 16)).normals(width * height * 3)
  const data = Float32Array.from(values, (value, i) => {
    const x = Math.floor(i / 3) % width
    return 0.5 + 0.2 * Math.sin((x - by) / 4) + grain * value
  })
  return { width, height, data }
}
const at = (by: number, distance: number, trust = 1): Neighbour => ({
  image: wave(by, 0.05),
  way: { flow: uniformFlow(width, height, by, 0), trust: { width, height, data: new Float32Array(width * height).fill(trust) } },
  distance,
})
/** Root mean square of the difference to the wave without grain, away from the edges. */
function error({ data }: FloatImage): number {
  const truth = wave(0, 0).data
  let sum = 0
  let count = 0
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / 3) % width
    if (x < 12 || x >= width - 12) continue
    sum += (data[i]! - truth[i]!) ** 2
    count++
  }
  return Math.sqrt(sum / count)
}

it('leaves a frame that has no neighbours as it is', () => {
  const image = wave(0, 0.05)
  expect(smoothAlong(image, [], 4)).toBe(image)
})

it('leaves a frame as it is where no neighbour is believed', () => {
  const image = wave(0, 0.05)
  const out = smoothAlong(image, [at(3, 1, 0.1), at(-3, 1, 0.1)], 4)
  for (let i = 0; i < out.data.length; i += 11) expect(out.data[i]).toBeCloseTo(image.data[i]!, 5)
})

it('takes what the moved neighbours agree on: tones come nearer to the truth than in the single frame', () => {
  const tone = (by: number, lift: number): FloatImage => {
    const { data } = wave(by, 0)
    return { width, height, data: data.map((value) => value + lift) }
  }
  const neighbours = [0.1, -0.1, 0.1, -0.1].map((lift, n): Neighbour => ({ ...at(2 * n - 3, 1), image: tone(2 * n - 3, lift) }))
  expect(error(smoothAlong(tone(0, 0.1), neighbours, 4))).toBeLessThan(0.05)
})

it('would be wrong without the flow: the same neighbours, not moved, make the frame worse', () => {
  const neighbours = [4, -4].map((by) => ({ ...at(by, 1), image: wave(by, 0) }))
  const still = neighbours.map((one) => ({ ...one, way: { ...one.way, flow: uniformFlow(width, height, 0, 0) } }))
  expect(error(smoothAlong(wave(0, 0), neighbours, 4))).toBeLessThan(0.002)
  expect(error(smoothAlong(wave(0, 0), still, 4))).toBeGreaterThan(0.03)
})
