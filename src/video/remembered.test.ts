import { expect, test } from 'vitest'
import { memorySource, numberOf } from '../../test/media/memory-source.ts'
import { remembered } from './remembered.ts'

test('frames are made once, however often they are read', async () => {
  const inner = memorySource([0, 0.1, 0.2], 10)
  let reads = 0
  const source = remembered({ ...inner, frames: (options) => (reads++, inner.frames(options)) })
  const numbers = async (): Promise<number[]> => {
    const out: number[] = []
    for await (const frame of source.frames()) out.push(numberOf(frame))
    return out
  }
  expect(await numbers()).toEqual([0, 1, 2])
  expect(await numbers()).toEqual([0, 1, 2])
  expect(reads).toBe(1)
})

test('a reading that was left early is not taken for the whole', async () => {
  const source = remembered(memorySource([0, 0.1, 0.2], 10))
  for await (const frame of source.frames()) if (frame.index === 1) break
  let count = 0
  for await (const frame of source.frames()) count += frame.index >= 0 ? 1 : 0
  expect(count).toBe(3)
})
