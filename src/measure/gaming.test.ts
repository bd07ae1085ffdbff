import { beforeAll, describe, expect, test } from 'vitest'
import { framesInMemory, movingScene } from '../../test/scenes/moving-scene.ts'
import { warpFrame } from '../flow/warp.ts'
import { gaussianBlur } from '../image/blur.ts'
import type { Frame } from '../image/frame.ts'
import { findings, type Finding } from './findings.ts'
import { ageUncovered, holeFrames, type UncoveredAge } from './holes.ts'
import { measure } from './measure.ts'
import type { Measures, VideoMeasures } from './measures.ts'
import { pairMotion } from './pair-motion.ts'

// Every way to score without being good, and the measure that must see it. `steady` is the honest result: the style is painted onto the
// things; `fresh` is the unguided render: the style is drawn anew for every frame.
const scene = movingScene(14, 96, 72)
const { source, steady, fresh, flow } = scene

let measures: Measures
const video = (name: string): VideoMeasures => measures.others.find((other) => other.name === name)!
const kinds = (name: string): Finding['kind'][] => [...new Set(findings(video(name), measures).map((finding) => finding.kind))]
const ratio = (name: string, of: keyof VideoMeasures['ratios']): number => video(name).ratios[of]!.value

function each(frames: readonly Frame[], change: (values: Float32Array, t: number) => Float32Array): Frame[] {
  return frames.map((frame, t) => ({
    ...frame,
    data: Uint8Array.from(change(Float32Array.from(frame.data), t), (v) => Math.min(255, Math.max(0, Math.round(v)))),
  }))
}
const blurred = (values: Float32Array, sigma: number): Float32Array => gaussianBlur(values, scene.width, scene.height, 3, sigma)
const saturated = (gain: number) => (values: Float32Array) =>
  values.map((v, i) => {
    const pixel = i - (i % 3)
    const gray = (values[pixel]! + values[pixel + 1]! + values[pixel + 2]!) / 3
    return gray + gain * (v - gray)
  })

/** Each frame is the one before, moved along: what was never painted is smeared from the edges. */
async function carriedOn(kernel: 'linear' | 'cubic', shift: number): Promise<Frame[]> {
  const frames = [steady[0]!]
  for (let t = 1; t < steady.length; t++) {
    const back = await flow.between(t, t - 1)
    frames.push(warpFrame(frames[t - 1]!, { ...back, data: back.data.map((v) => v + (t % 2 === 0 ? shift : -shift)) }, kernel))
  }
  return frames
}

/** The honest result, but just-uncovered areas hold what `fill` gives. */
async function withHoles(fill: (t: number, carried: Frame) => Frame | Promise<Frame>): Promise<Frame[]> {
  const frames = [steady[0]!]
  let age: UncoveredAge | undefined
  for (let t = 1; t < steady.length; t++) {
    const back = await flow.between(t, t - 1)
    age = ageUncovered(age, pairMotion(await flow.between(t - 1, t), back))
    const filled = await fill(t, warpFrame(frames[t - 1]!, back, 'linear'))
    const data = steady[t]!.data.slice()
    for (let i = 0; i < age.length; i++) if (age[i]! < holeFrames) data.set(filled.data.subarray(3 * i, 3 * i + 3), 3 * i)
    frames.push({ ...steady[t]!, data })
  }
  return frames
}

beforeAll(async () => {
  const cheats: Record<string, Frame[]> = {
    honest: steady,
    'first frame, still': steady.map(() => steady[0]!),
    'first frame, carried on': await carriedOn('linear', 0.5),
    'blur of unguided': each(fresh, (values) => blurred(values, 0.8)),
    'blur of the result': each(steady, (values) => blurred(values, 0.8)),
    'the source': source,
    'half the source': each(steady, (values, t) => values.map((v, i) => 0.5 * v + 0.5 * source[t]!.data[i]!)),
    'fading to the source': each(steady, (values, t) => values.map((v, i) => v + (t / 13) * (source[t]!.data[i]! - v))),
    'one glitch': steady.map((frame, t) => (t === 7 ? fresh[7]! : frame)),
    'colour ramp': each(steady, (values, t) => values.map((v, i) => v + (i % 3 === 0 ? t : 0))),
    greyed: each(steady, saturated(0.8)),
    saturated: each(steady, saturated(1.2)),
    'matched to the source, then off': each(steady, (values) => values.map((v, i) => v + (i % 3 === 2 ? -30 : 10))),
    unsharp: each(steady, (values) => {
      const soft = blurred(values, 2)
      return values.map((v, i) => v + 0.6 * (v - soft[i]!))
    }),
    'holes from the old frame': await withHoles((_, carried) => carried),
    'holes smeared': await withHoles((t) => each([steady[t]!], (values) => blurred(values, 2.5))[0]!),
  }
  measures = await measure({
    source: framesInMemory(source),
    result: framesInMemory(steady),
    baseline: framesInMemory(fresh),
    others: Object.entries(cheats).map(([name, frames]) => ({ name, video: framesInMemory(frames) })),
    flow,
  })
}, 60_000)

test('the honest result passes whole', () => {
  expect(kinds('honest')).toEqual([])
  expect(ratio('honest', 'warpError')).toBeLessThan(0.05)
  expect(ratio('honest', 'flicker3')).toBeLessThan(0.1)
  expect(ratio('honest', 'sharpness')).toBeGreaterThan(0.95)
  expect(ratio('honest', 'styleDistance')).toBeGreaterThan(0.95)
})

test('unguided against itself is 1 in everything', () => {
  for (const value of Object.values(measures.baseline!.ratios)) if (value !== null) expect(value.value).toBeCloseTo(1, 12)
})

test('a frozen picture does not follow the motion, though it does not flicker at all', () => {
  expect(ratio('first frame, still', 'flicker3')).toBe(0)
  expect(kinds('first frame, still')).toContain('frozen')
  expect(video('first frame, still').values.motionFollowing!).toBeLessThan(0.05)
  expect(ratio('first frame, still', 'warpErrorFast')).toBeGreaterThan(1)
})

test('the first frame carried on for ever has the best warp error, and is blurred', () => {
  expect(ratio('first frame, carried on', 'warpError')).toBeLessThan(0.1)
  expect(kinds('first frame, carried on')).toContain('blurred')
  expect(kinds('first frame, carried on')).toContain('holes-wrong')
})

describe('blur', () => {
  test('hardly helps the warp error', () => {
    expect(ratio('blur of unguided', 'warpError')).toBeGreaterThan(0.8)
    expect(ratio('blur of unguided', 'sharpness')).toBeLessThan(0.7)
  })
  test('is seen in the sharpness and nowhere else', () => {
    expect(kinds('blur of the result')).toContain('blurred')
    expect(ratio('blur of the result', 'fineDetail')).toBeLessThan(0.8)
    expect(ratio('blur of the result', 'chroma')).toBeCloseTo(1, 1)
  })
})

test('the source itself is steady, sharp and has all lines, but no style', () => {
  expect(ratio('the source', 'warpError')).toBeLessThan(0.05)
  expect(video('the source').values.edgeRecall).toBe(1)
  expect(video('the source').values.ssim).toBeCloseTo(1, 12)
  expect(ratio('the source', 'styleDistance')).toBe(0)
  expect(kinds('the source')).toContain('style-fades')
  expect(kinds('half the source')).toContain('style-fades')
})

test('a style that fades shows as drift, and in the last frames against the first', () => {
  expect(kinds('fading to the source')).toContain('drifts')
  const strength = video('fading to the source').styleStrength!
  expect(strength.last).toBeLessThan(0.75 * strength.first)
})

test('one bad frame in the middle is found and named', () => {
  const found = findings(video('one glitch'), measures).find((finding) => finding.kind === 'glitch')!
  expect(found.frames).toEqual([7])
  expect(ratio('one glitch', 'sharpness')).toBeCloseTo(ratio('honest', 'sharpness'), 1)
})

test('a colour ramp is drift, with its slope; a constant shift is not', () => {
  expect(kinds('colour ramp')).toContain('drifts')
  expect(video('colour ramp').driftAgainstBaseline!.a!.low).toBeGreaterThan(0.2)
  expect(video('colour ramp').drift.a!.slope).toBeCloseTo(video('colour ramp').driftAgainstBaseline!.a!.slope, 1)
  expect(kinds('matched to the source, then off')).toContain('colour-shifted')
  expect(kinds('matched to the source, then off')).not.toContain('drifts')
})

test('grey and gaudy colours are told apart', () => {
  expect(kinds('greyed')).toContain('grey')
  expect(kinds('saturated')).toContain('oversaturated')
  expect(ratio('greyed', 'chroma')).toBeCloseTo(0.8, 1)
})

test('sharpening by force is not sharpness', () => {
  expect(kinds('unsharp')).toContain('sharpened')
  expect(kinds('unsharp')).not.toContain('blurred')
})

describe('holes, where warp error is blind', () => {
  test('old paint left in them is seen by the difference to a redraw', () => {
    expect(ratio('holes from the old frame', 'warpErrorFast')).toBeLessThan(0.1)
    expect(video('holes from the old frame').holes!.error).toBeGreaterThan(1.8)
    expect(kinds('holes from the old frame')).toContain('holes-wrong')
  })
  test('smears in them are seen by their crispness', () => {
    expect(video('holes smeared').holes!.sharpness).toBeLessThan(0.6)
    expect(kinds('holes smeared')).toEqual(['holes-smeared'])
    expect(ratio('holes smeared', 'sharpness')).toBeGreaterThan(0.95)
  })
  test('are as good as elsewhere in the honest result', () => {
    const { error, sharpness, share } = video('honest').holes!
    expect(error).toBeGreaterThan(0.7)
    expect(error).toBeLessThan(1.3)
    expect(sharpness).toBeGreaterThan(0.8)
    expect(share).toBeGreaterThan(0.01)
  })
})
