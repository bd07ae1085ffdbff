import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, asyncProperty, integer, uint8Array } from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeImage, encodePng, readPng, writePlanePng, writePng } from './png.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ofgen-png-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a frame survives PNG bit by bit, at every level', async () => {
  await assert(
    asyncProperty(
      integer({ min: 1, max: 9 }),
      integer({ min: 1, max: 9 }),
      integer({ min: 0, max: 9 }),
      async (width, height, level) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 89 + level * 31) % 256)
        const back = await decodeImage(await encodePng({ width, height, data }, { level }))
        expect(back).toEqual({ width, height, data })
      },
    ),
    { numRuns: 25 },
  )
})

test('a written file is whole, and no part of it is left beside', async () => {
  const data = Uint8Array.from({ length: 4 * 2 * 3 }, (_, i) => i * 10)
  await writePng(join(folder, 'a.png'), { width: 4, height: 2, data })
  expect(await readdir(folder)).toEqual(['a.png'])
  expect((await readPng(join(folder, 'a.png'))).data).toEqual(data)
  await rm(join(folder, 'a.png'))
})

test('a lower level is not smaller than a higher one on a picture that compresses', async () => {
  const data = Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i >> 5) % 251)
  const sizes = await Promise.all(
    [0, 2, 6].map(async (level) => (await encodePng({ width: 96, height: 96, data }, { level })).length),
  )
  expect(sizes[0]).toBeGreaterThan(sizes[1]!)
  expect(sizes[1]).toBeGreaterThanOrEqual(sizes[2]!)
})

describe('other pictures become 8-bit RGB', () => {
  test('16 bits are cut to 8', async () => {
    const raw = Uint16Array.from([0, 0x1234, 0xffff])
    const bytes = await sharp(raw, { raw: { width: 1, height: 1, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    expect((await sharp(bytes).metadata()).bitsPerSample).toBe(16)
    expect([...(await decodeImage(bytes)).data]).toEqual([0, 0x12, 0xff])
  })

  test('grey becomes three equal channels', async () => {
    const bytes = await sharp(Uint8Array.of(7, 200), { raw: { width: 2, height: 1, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer()
    expect((await sharp(bytes).metadata()).channels).toBe(1)
    expect([...(await decodeImage(bytes)).data]).toEqual([7, 7, 7, 200, 200, 200])
  })

  test('transparent parts lie over white', async () => {
    const bytes = await sharp(Uint8Array.of(255, 0, 0, 255, 10, 20, 30, 0, 0, 0, 0, 128), {
      raw: { width: 3, height: 1, channels: 4 },
    })
      .png()
      .toBuffer()
    const { data } = await decodeImage(bytes)
    expect([...data.subarray(0, 6)]).toEqual([255, 0, 0, 255, 255, 255])
    for (const value of data.subarray(6)) expect(Math.abs(value - 127)).toBeLessThanOrEqual(1)
  })

  test("the camera's orientation is applied", async () => {
    const bytes = await sharp({ create: { width: 6, height: 4, channels: 3, background: '#808080' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const { width, height } = await decodeImage(bytes)
    expect([width, height]).toEqual([4, 6])
  })
})

describe('what cannot be read is named', () => {
  test.each([
    ['no file', undefined, 'no such file'],
    ['an empty file', '', 'the file is empty'],
    ['text', 'hello, this is no picture', 'unsupported image format'],
  ])('%s', async (_, content, why) => {
    const path = join(folder, 'bad.png')
    if (content !== undefined) await writeFile(path, content)
    await expect(readPng(path)).rejects.toMatchObject({ code: 'image_unreadable', exitCode: 2, hint: expect.any(String) })
    await expect(readPng(path)).rejects.toThrow(`${path} is not a readable image: ${why}`)
    await rm(path, { force: true })
  })

  test('a PNG that is cut', async () => {
    const path = join(folder, 'cut.png')
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i) % 256)
    const bytes = await encodePng({ width: 64, height: 64, data })
    await writeFile(path, bytes.subarray(0, bytes.length / 2))
    await expect(readPng(path)).rejects.toMatchObject({
      code: 'image_unreadable',
      message: expect.stringContaining(path) as string,
    })
    await rm(path)
  })
})

test('a plane becomes grey between black and white', async () => {
  const path = join(folder, 'plane.png')
  await writePlanePng(path, { width: 4, height: 1, data: Float32Array.of(-3, -1, 0, 5) }, { black: -1, white: 1 })
  expect([...(await readPng(path)).data].filter((_, i) => i % 3 === 0)).toEqual([0, 0, 128, 255])
  expect((await sharp(await readFile(path)).metadata()).channels).toBe(1)
  await rm(path)
})

test('wrong arguments are refused', async () => {
  await assert(
    asyncProperty(uint8Array({ maxLength: 20 }), async (data) => {
      if (data.length !== 12) await expect(encodePng({ width: 2, height: 2, data })).rejects.toThrow(RangeError)
    }),
  )
  await expect(encodePng({ width: 1, height: 1, data: new Uint8Array(3) }, { level: 10 })).rejects.toThrow('level')
})

test('a folder that is not there is said to be unwritable', async () => {
  await expect(writePng(join(folder, 'no', 'a.png'), { width: 1, height: 1, data: new Uint8Array(3) })).rejects.toMatchObject({
    code: 'output_unwritable',
    exitCode: 2,
  })
})

test.skipIf(process.platform !== 'linux')('a full disk is said to be full, and nothing is left', async () => {
  await symlink('/dev/full', join(folder, 'full.png.part'))
  await expect(writePng(join(folder, 'full.png'), { width: 1, height: 1, data: new Uint8Array(3) })).rejects.toMatchObject({
    code: 'disk_full',
    exitCode: 1,
    message: expect.stringContaining('full.png') as string,
  })
  expect(await readdir(folder)).toEqual([])
})
