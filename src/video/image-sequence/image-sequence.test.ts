import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blankFrame, type Frame } from '../../image/frame.ts'
import { writePng } from '../../image/png.ts'
import { testFrameSource } from '../frame-source.contract.ts'
import { openSource } from '../open-source.ts'
import { openImageSequence } from './image-sequence.ts'

let root = ''
const solid = (value: number, width = 8, height = 6): Frame => {
  const frame = blankFrame(width, height)
  frame.data.fill(value)
  return frame
}
const folderOf = async (name: string, files: Record<string, Frame | string>): Promise<string> => {
  const folder = join(root, name)
  await mkdir(folder)
  for (const [file, content] of Object.entries(files)) {
    if (typeof content === 'string') await writeFile(join(folder, file), content)
    else await writePng(join(folder, file), content)
  }
  return folder
}
const values = async (path: string): Promise<number[]> => {
  const list: number[] = []
  for await (const { image } of (await openSource(path)).frames()) list.push(image.data[0]!)
  return list
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ofgen-images-'))
  await folderOf(
    'seven',
    Object.fromEntries(Array.from({ length: 7 }, (_, k) => [`frame_${String(k).padStart(4, '0')}.png`, solid(k * 30)])),
  )
})
afterAll(() => rm(root, { recursive: true, force: true }))

testFrameSource('an image folder', async () => ({
  source: await openImageSequence(join(root, 'seven'), { frameRate: 12 }),
  count: 7,
}))
testFrameSource('a pattern of images', async () => ({
  source: await openSource(join(root, 'seven', 'frame_%04d.png')),
  count: 7,
}))

test('frame k is shown at k / rate; without a rate there are 24 a second', async () => {
  const source = await openSource(join(root, 'seven'), { frameRate: 10 })
  const times: number[] = []
  for await (const { time } of source.frames()) times.push(time)
  expect(times).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
  expect(source.info).toMatchObject({ width: 8, height: 6, frameRate: 10, duration: 0.7, frameCount: 7, hasAudio: false })
  expect((await openSource(join(root, 'seven'))).info.frameRate).toBe(24)
})

test('a folder is read in natural order, images only', async () => {
  const folder = await folderOf('order', {
    'f10.png': solid(100),
    'f2.png': solid(20),
    'f1.png': solid(10),
    'notes.txt': 'no picture',
    '.hidden.png': 'no picture',
  })
  expect(await values(folder)).toEqual([10, 20, 100])
})

test('a pattern takes what printf would write, in order of the numbers, and says which are missing', async () => {
  const folder = await folderOf('pattern', {
    'a_008.png': solid(8),
    'a_010.png': solid(10),
    'a_1000.png': solid(99),
    'a_9.png': solid(9),
    'b_001.png': solid(1),
    'a_011.jpg.png': solid(11),
  })
  expect(await values(join(folder, 'a_%03d.png'))).toEqual([8, 10, 99])
  expect(await values(join(folder, 'a_%d.png'))).toEqual([9, 99])
  const source = await openSource(join(folder, 'a_%03d.png'))
  expect(source.warnings.join()).toContain('990 numbers are missing')
})

test('one picture is a video of one frame', async () => {
  expect(await values(join(root, 'seven', 'frame_0003.png'))).toEqual([90])
})

describe('what cannot be read is named', () => {
  test('an image of another size', async () => {
    const folder = await folderOf('sizes', { '1.png': solid(1), '2.png': solid(2), '3.png': solid(3, 9, 6) })
    await expect(values(folder)).rejects.toMatchObject({
      code: 'image_unreadable',
      message: expect.stringMatching(/3\.png is 9x6, but 1\.png is 8x6/) as string,
    })
  })

  test('an image that is none, also as the first', async () => {
    const folder = await folderOf('broken', { '1.png': solid(1), '2.png': 'text' })
    await expect(values(folder)).rejects.toMatchObject({
      code: 'image_unreadable',
      message: expect.stringContaining('2.png') as string,
    })
    const other = await folderOf('broken-first', { '1.png': 'text' })
    await expect(openSource(other)).rejects.toMatchObject({ code: 'image_unreadable', exitCode: 2 })
  })

  test('an empty folder, a pattern without a file, a folder that is not there', async () => {
    const folder = await folderOf('empty', {})
    await expect(openSource(folder)).rejects.toMatchObject({
      code: 'video_missing',
      exitCode: 2,
      hint: expect.any(String) as string,
    })
    await expect(openSource(join(folder, '%06d.png'))).rejects.toMatchObject({ code: 'video_missing' })
    await expect(openSource(join(folder, 'no', '%06d.png'))).rejects.toMatchObject({ code: 'input_missing' })
    await expect(openSource(join(folder, 'no.png'))).rejects.toMatchObject({ code: 'input_missing' })
  })
})
