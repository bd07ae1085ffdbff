import { array, assert, asyncProperty, double } from 'fast-check'
import { expect, test } from 'vitest'
import { memorySource, numberOf } from '../../test/media/memory-source.ts'
import { testFrameSource } from './frame-source.contract.ts'
import type { FrameSource } from './frame-source.ts'
import { atRate } from './resample.ts'

const steady = (count: number, rate: number, start = 0): number[] => Array.from({ length: count }, (_, k) => start + k / rate)

async function taken(source: FrameSource): Promise<{ time: number; number: number }[]> {
  const list: { time: number; number: number }[] = []
  for await (const frame of source.frames()) list.push({ time: frame.time, number: numberOf(frame) })
  return list
}

testFrameSource('a source at a lower rate', () => {
  return Promise.resolve({ source: atRate(memorySource(steady(30, 30, 2), 30), 12), count: 12 })
})
testFrameSource('a source of variable rate at a lower rate', () => {
  const times = [1, 1.02, 1.04, 1.3, 1.31, 1.5, 1.9, 1.95, 2]
  return Promise.resolve({ source: atRate(memorySource(times, 9), 8), count: 5, within: 4 })
})

test('30 a second at 10: every third frame, at its own time', async () => {
  const list = await taken(atRate(memorySource(steady(30, 30), 30), 10))
  expect(list.map(({ number }) => number)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
  list.forEach(({ time }, n) => expect(time).toBeCloseTo(n / 10, 9))
})

test('30 a second at 12: the latest frame not after each tick, at the tick', async () => {
  const list = await taken(atRate(memorySource(steady(30, 30), 30), 12))
  expect(list.map(({ number }) => number)).toEqual([0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27])
  list.forEach(({ time }, n) => expect(time).toBeCloseTo(n / 12, 9))
})

test('NTSC rates: 29.97 at 14.985 is every second frame', async () => {
  const list = await taken(atRate(memorySource(steady(300, 30000 / 1001), 30000 / 1001), 15000 / 1001))
  expect(list.map(({ number }) => number)).toEqual(Array.from({ length: 150 }, (_, n) => 2 * n))
})

test('at its own rate or above, a source comes through untouched', () => {
  const source = memorySource(steady(10, 25), 25)
  expect(atRate(source, 25)).toBe(source)
  expect(atRate(source, 60)).toBe(source)
})

test('for any times: each tick has the latest frame not after it, and none is shown twice', async () => {
  await assert(
    asyncProperty(array(double({ min: 0.005, max: 0.4, noNaN: true }), { minLength: 2, maxLength: 30 }), async (gaps) => {
      const times = [3]
      for (const gap of gaps) times.push(times.at(-1)! + gap)
      const list = await taken(atRate(memorySource(times, 40), 7))
      expect(list[0]).toEqual({ time: 3, number: 0 })
      for (const [i, { time, number }] of list.entries()) {
        const n = (time - 3) * 7
        expect(Math.abs(n - Math.round(n))).toBeLessThan(1e-6)
        expect(times[number]!).toBeLessThanOrEqual(time + 1e-4)
        if (times[number + 1] !== undefined) expect(times[number + 1]!).toBeGreaterThan(time - 1e-4)
        if (i > 0) expect(number).toBeGreaterThan(list[i - 1]!.number)
      }
    }),
    { numRuns: 60 },
  )
})

test('announces its own rate and length', () => {
  const { info } = atRate(memorySource(steady(60, 30), 30), 10)
  expect([info.frameRate, info.frameCount]).toEqual([10, 20])
  expect(() => atRate(memorySource([0, 1], 1), 0)).toThrow(RangeError)
})
