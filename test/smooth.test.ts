import { expect, test } from 'vitest'
import { startAnalysis } from '../src/animate/analysis.ts'
import { smooth } from '../src/animate/smooth.ts'
import { disEstimator } from '../src/flow/dis.ts'
import type { Frame } from '../src/image/frame.ts'
import { Random } from '../src/random.ts'
import { madeSource, texture } from './moving-picture.ts'
import './workers.ts'

/** Each frame's tones shifted by an offset of its own, as a painter that flickers would. */
function flickering(frames: readonly Frame[]): Frame[] {
  const random = new Random(3).normals(frames.length)
  return frames.map((frame, n) => ({
    ...frame,
    data: frame.data.map((value) => Math.min(255, Math.max(0, Math.round(0.6 * value + 50 + 12 * random[n]!)))),
  }))
}
const truth = (frame: Frame): Float32Array => Float32Array.from(frame.data, (value) => 0.6 * value + 50)

/** Spread of the mean difference to the truth from frame to frame. */
function flicker(frames: readonly Frame[], sources: readonly Frame[]): number {
  const means = frames.map(({ data }, n) => {
    const wanted = truth(sources[n]!)
    return data.reduce((sum, value, i) => sum + value - wanted[i]!, 0) / data.length
  })
  const mean = means.reduce((a, b) => a + b) / means.length
  return Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length)
}

async function run(sources: readonly Frame[], frames: readonly Frame[], reach = 3): Promise<{ images: Frame[]; keys: string[] }> {
  const images: Frame[] = []
  const keys: string[] = []
  const analysis = startAnalysis()
  const options = { source: madeSource(sources), frames: madeSource(frames), flow: disEstimator(), analysis, reach }
  try {
    for await (const { index, key, make } of smooth(options)) {
      expect(index).toBe(images.length)
      keys.push(key)
      images.push(await make())
    }
  } finally {
    await analysis.close()
  }
  return { images, keys }
}

const moving = Array.from({ length: 9 }, (_, n) => texture(64, 48, 1.5 * n))

test('flicker between frames goes, the picture stays', async () => {
  const given = flickering(moving)
  const { images } = await run(moving, given)
  expect(images).toHaveLength(moving.length)
  expect(flicker(images, moving)).toBeLessThan(0.6 * flicker(given, moving))
  const spread = (frame: Frame): number => Math.sqrt(frame.data.reduce((sum, value) => sum + (value - 128) ** 2, 0))
  expect(spread(images[4]!) / spread(given[4]!)).toBeCloseTo(1, 1)
})

test('nothing passes a cut', async () => {
  const other = Array.from({ length: 5 }, (_, n) => ({
    ...texture(64, 48, 200 + n),
    data: texture(64, 48, 200 + n).data.map((v) => 255 - v),
  }))
  const sources = [...moving, ...other]
  const whole = await run(sources, flickering(sources))
  const first = await run(moving, flickering(sources).slice(0, moving.length))
  expect(whole.images.slice(0, moving.length)).toEqual(first.images)
})

test('a key changes with what its frame is made of, and with nothing else', async () => {
  const given = flickering(moving)
  const { keys } = await run(moving, given, 2)
  expect(new Set(keys).size).toBe(keys.length)
  const changed = given.map((frame, n) => (n === 8 ? moving[8]! : frame))
  const { keys: others } = await run(moving, changed, 2)
  expect(others.map((key, n) => key === keys[n])).toEqual([true, true, true, true, true, true, false, false, false])
})

test('other numbers of frames are refused', async () => {
  await expect(run(moving, moving.slice(0, 5))).rejects.toThrow(/has 5 frames, the source more/)
  await expect(run(moving.slice(0, 5), moving)).rejects.toThrow(/has more frames, the source 5/)
})
