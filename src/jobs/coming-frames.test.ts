import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { FootageFrame } from '../animate/footage.ts'
import { blankFrame } from '../image/frame.ts'
import { writePng } from '../image/png.ts'
import { comingFrames, type ComingFrames } from './coming-frames.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-coming-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (frame: number): string => join(folder, `${frame}.png`)
const item = (index: number): FootageFrame => ({
  frame: { index, time: index / 10, image: blankFrame(2, 2) },
  hash: `${index}`,
  shot: 0,
  motion: undefined,
  trusted: 0,
})
async function indices({ pairs }: ComingFrames): Promise<number[]> {
  const seen: number[] = []
  for await (const pair of pairs) seen.push(pair.item.frame.index)
  return seen
}

test('pairs come in the order of the source, whatever is made first', async () => {
  for (let n = 4; n < 7; n++) await writePng(path(n), blankFrame(2, 2))
  const coming = comingFrames(path)
  const seen = indices(coming)
  for (let n = 4; n < 7; n++) await coming.read(item(n))
  for (const n of [6, 4, 5]) coming.made(n)
  coming.end()
  expect(await seen).toEqual([4, 5, 6])
})

test('reading waits while too much of what was read is not made, and goes on when some is', async () => {
  await writePng(path(0), blankFrame(2, 2))
  const coming = comingFrames(path)
  for (let n = 0; n < 64; n++) await coming.read(item(n))
  let through = false
  const reading = coming.read(item(64)).then(() => (through = true))
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(through).toBe(false)
  coming.made(0)
  expect((await coming.pairs[Symbol.asyncIterator]().next()).value.item.frame.index).toBe(0)
  await reading
})

test('a failure reaches who waits for a frame, and who waits to read', async () => {
  const coming = comingFrames(path)
  const seen = indices(coming)
  for (let n = 0; n < 64; n++) await coming.read(item(n))
  const reading = coming.read(item(64))
  coming.fail(new Error('no space'))
  await expect(seen).rejects.toThrow('no space')
  await reading
})
