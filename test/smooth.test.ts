import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { startAnalysis } from '../src/animate/analysis.ts'
import { readFootage } from '../src/animate/footage.ts'
import { paired, smooth, type MadeFrame } from '../src/animate/smooth.ts'
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
  const footage = readFootage(madeSource(sources), { flow: disEstimator(), analysis })
  try {
    for await (const { index, key, make } of smooth(paired(footage, madeSource(frames)), { analysis, reach })) {
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

test('frames that are passed are forgotten, however long a shot is', async () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const seen: WeakRef<object>[] = []
  const still = { width: 16, height: 16, data: new Float32Array(2 * 16 * 16) }
  const plane = { width: 16, height: 16, data: new Float32Array(16 * 16).fill(1) }
  async function* made(): AsyncGenerator<MadeFrame> {
    for (let index = 0; index < 40; index++) {
      const image = texture(16, 16, 0)
      const motion = { backward: { ...still }, forward: still, distance: plane, trust: plane, occluded: new Uint8Array(256) }
      seen.push(new WeakRef(motion.backward))
      const item = {
        frame: { index, time: index, image },
        hash: `${index}`,
        shot: 0,
        motion: index === 0 ? undefined : motion,
        trusted: 1,
      }
      yield await Promise.resolve({ item, image })
    }
  }
  const analysis = startAnalysis()
  try {
    for await (const { index, make } of smooth(made(), { analysis, reach: 2 })) {
      await make()
      if (index < 30) continue
      await new Promise((resolve) => setTimeout(resolve, 5))
      collect()
      const alive = seen.flatMap((ref, n) => (ref.deref() === undefined ? [] : [n]))
      expect(Math.min(...alive)).toBeGreaterThan(20)
      break
    }
  } finally {
    await analysis.close()
  }
})
