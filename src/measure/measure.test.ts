import { expect, test } from 'vitest'
import { framesInMemory, movingScene } from '../../test/scenes/moving-scene.ts'
import type { FlowEstimator } from '../flow/flow.ts'
import type { Frame } from '../image/frame.ts'
import { resizeFrame } from '../image/resize.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { measure } from './measure.ts'
import { measureTable } from './measure-table.ts'
import { speedBins } from './warp-error.ts'

const { source, steady, fresh, flow, width, height } = movingScene(8, 64, 48)
const still: FlowEstimator = {
  id: 'still',
  estimate: async (from) => ({ width: from.width, height: from.height, data: new Float32Array(from.width * from.height * 2) }),
  close: async () => {},
}

test('the set is plain JSON, and every series has one entry a frame', async () => {
  const measures = await measure({
    source: framesInMemory(source),
    result: framesInMemory(steady),
    baseline: framesInMemory(fresh),
    flow,
    keyframes: [0, 4],
  })
  expect(JSON.parse(JSON.stringify(measures))).toEqual(measures)
  for (const series of Object.values(measures.result.series)) expect(series.length).toBe(8)
  const { warpError, flicker3, secondDifference, sharpness } = measures.result.series
  expect(warpError.map((v) => v !== null)).toEqual([false, ...Array.from({ length: 7 }, () => true)])
  expect(flicker3.map((v) => v !== null)).toEqual([false, false, ...Array.from({ length: 6 }, () => true)])
  expect(secondDifference.map((v) => v !== null)).toEqual([false, ...Array.from({ length: 6 }, () => true), false])
  expect(sharpness.every((v) => v !== null)).toBe(true)
  const steps = warpError.slice(1) as number[]
  expect(measures.result.values.warpError).toBeCloseTo(steps.reduce((a, b) => a + b, 0) / 7, 8)
  expect(measures.result.byKeyframeDistance.map((part) => part.distance)).toEqual([0, 1, 2, 3])
  expect(measures.result.bySpeed.length).toBe(speedBins.length)
  expect(measures.result.bySpeed.reduce((sum, part) => sum + part.share, 0)).toBeCloseTo(1, 12)
  expect(measures.notes).toEqual([])
})

test('videos of other length and size are measured on what they share, and that is said', async () => {
  const large = await Promise.all(source.map(async (frame) => resizeFrame(frame, 2 * width, 2 * height)))
  const measures = await measure({ source: framesInMemory(large), result: framesInMemory(steady.slice(0, 6)), flow })
  expect([measures.width, measures.height, measures.frames]).toEqual([width, height, 6])
  expect(measures.notes[0]).toBe("The source is 128x96 and was scaled to the result's 64x48.")
  expect(measures.notes[1]).toBe('Measured on the first 6 frames: result ended there.')
  expect(measures.baseline).toBeNull()
  expect(Object.values(measures.result.ratios).every((ratio) => ratio === null)).toBe(true)
  expect(measures.result.holes).toBeNull()
})

test('an estimator is asked for both directions of every step, on the source softened by 1 px', async () => {
  const asked: string[] = []
  const contrast = (data: Uint8Array): number => Math.max(...data) - Math.min(...data)
  const watching: FlowEstimator = {
    ...still,
    estimate: async (from, to) => {
      asked.push(`${contrast(from.data)} ${contrast(to.data)}`)
      return still.estimate(from, to)
    },
  }
  await measure({ source: framesInMemory(source.slice(0, 3)), result: framesInMemory(steady.slice(0, 3)), flow: watching })
  expect(asked.length).toBe(4)
  expect(asked[0]!.split(' ').toReversed().join(' ')).toBe(asked[1])
  expect(Number(asked[0]!.split(' ')[0])).toBeLessThan(contrast(source[0]!.data))
})

test('a step across a cut is left out of everything that needs motion', async () => {
  const other = movingScene(8, 64, 48).fresh
  const cut = [...steady.slice(0, 4), ...other.slice(4)]
  const measures = await measure({ source: framesInMemory(source), result: framesInMemory(cut), flow, cuts: [4] })
  const { warpError, flicker3, secondDifference } = measures.result.series
  expect(warpError.flatMap((v, frame) => (v === null ? [frame] : []))).toEqual([0, 4])
  expect(flicker3.flatMap((v, frame) => (v === null ? [frame] : []))).toEqual([0, 1, 4, 5])
  expect(secondDifference.flatMap((v, frame) => (v === null ? [frame] : []))).toEqual([0, 3, 4, 7])
})

test('own motion is compared with the source motion where an estimator for it is given', async () => {
  const measures = await measure({ source: framesInMemory(source), result: framesInMemory(steady), flow, ownMotion: still })
  expect(measures.result.values.motionError!).toBeGreaterThan(0.3)
  const without = await measure({ source: framesInMemory(source), result: framesInMemory(steady), flow: still, ownMotion: still })
  expect(without.result.values.motionError).toBe(0)
})

test('the same flow for painting and measuring is told, as is a place that cannot be followed', async () => {
  const measures = await measure({
    source: framesInMemory(source),
    result: framesInMemory(steady),
    flow: {
      id: 'dis',
      between: async (from, to) => ({
        width,
        height,
        data: new Float32Array(width * height * 2).fill(Math.min(from, to) === 2 ? 9 : 0),
      }),
    },
    renderedWith: 'dis',
  })
  expect(measures.notes.join('\n')).toContain('made with the flow it is measured with')
  expect(measures.notes.join('\n')).toContain('At frame 3 under a tenth')
})

test('an abort stops it with the reason and closes the readers', async () => {
  const control = new AbortController()
  let closed = 0
  const watched = (frames: typeof source): FrameSource => ({
    ...framesInMemory(frames),
    async *frames() {
      try {
        yield* framesInMemory(frames).frames()
      } finally {
        closed++
      }
    },
  })
  const reason = new Error('enough')
  const run = measure({
    source: watched(source),
    result: watched(steady),
    flow,
    signal: control.signal,
    onProgress: (frames) => frames === 2 && control.abort(reason),
  })
  await expect(run).rejects.toBe(reason)
  expect(closed).toBe(2)
})

test('one frame is too few', async () => {
  await expect(measure({ source: framesInMemory(source), result: framesInMemory(steady.slice(0, 1)), flow })).rejects.toThrow(
    RangeError,
  )
})

test('the text table is aligned and has the ratio, the goal and what stands out', async () => {
  const measures = await measure({
    source: framesInMemory(source),
    result: framesInMemory(source),
    baseline: framesInMemory(fresh),
    others: [{ name: 'mine', video: framesInMemory(steady) }],
    flow,
  })
  const text = measureTable(measures, { full: true })
  const unguided = measures.baseline!.values.warpError! * 1000
  expect(/^Warp error .*/m.exec(text)![0]).toContain(` ${unguided.toFixed(2)} `)
  const lines = text.split('\n')
  const head = lines.findIndex((line) => line.startsWith('measure'))
  expect(lines[head - 1]).toBe('result')
  const edge = lines[head]!.indexOf('ratio') + 5
  const warp = lines.find((line) => line.startsWith('Warp error '))!
  expect(warp.slice(0, edge)).toMatch(/ 0\.\d{3}$/)
  expect(text).toContain('! The style is weak: 0.00 times')
  expect(text).toContain('\nmine\n')
  expect(text).toContain('> 4 px a frame')
  expect(text).not.toMatch(/NaN|undefined|null/)
})

test('what drifts with the clip itself drifts in the unguided render too, and is not held against the result', async () => {
  const long = movingScene(12, 48, 32)
  const brighter = (frames: readonly Frame[]): Frame[] =>
    frames.map((frame, t) => ({ ...frame, data: frame.data.map((value) => Math.min(255, value + 3 * t)) }))
  const { result } = await measure({
    source: framesInMemory(long.source),
    result: framesInMemory(brighter(long.steady)),
    baseline: framesInMemory(brighter(long.fresh)),
    flow: long.flow,
  })
  expect(result.drift.L!.low).toBeGreaterThan(0.5)
  expect(Math.abs(result.driftAgainstBaseline!.L!.slope)).toBeLessThan(0.1)
})
