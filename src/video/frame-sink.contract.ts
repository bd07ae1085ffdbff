import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blankFrame, type Frame } from '../image/frame.ts'
import type { FrameSink } from './frame-sink.ts'

/** What every FrameSink promises. `open` makes a sink for a path inside an empty folder. */
export function testFrameSink(name: string, resultName: string, open: (path: string) => Promise<FrameSink>): void {
  describe(`${name} as a frame sink`, () => {
    let folder = ''
    let path = ''
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ofgen-sink-'))
      path = join(folder, resultName)
    })
    afterEach(() => rm(folder, { recursive: true, force: true }))

    test('nothing has the final name before finish() resolves, and nothing else is left after it', async () => {
      const sink = await open(path)
      for (let i = 0; i < 5; i++) await sink.write({ index: i, time: i / 10, image: gradient(33, 22, i) })
      expect(await readdir(folder)).not.toContain(basename(path))
      expect(await sink.finish()).toBe(path)
      expect(await readdir(folder)).toEqual([basename(path)])
      await sink.close()
      expect(await readdir(folder)).toEqual([basename(path)])
    })

    test('finish() may be called again and gives the same answer', async () => {
      const sink = await open(path)
      await sink.write({ index: 0, time: 0, image: gradient(16, 16, 0) })
      expect(await Promise.all([sink.finish(), sink.finish()])).toEqual([path, path])
      await expect(sink.write({ index: 1, time: 1, image: gradient(16, 16, 1) })).rejects.toThrow(TypeError)
    })

    test('close() before finish() leaves nothing', async () => {
      const sink = await open(path)
      for (let i = 0; i < 3; i++) await sink.write({ index: i, time: i / 10, image: gradient(32, 24, i) })
      await sink.close()
      expect(await readdir(folder)).toEqual([])
    })

    test('without a frame finish() says so and leaves nothing', async () => {
      const sink = await open(path)
      await expect(sink.finish()).rejects.toMatchObject({ name: 'OfgenError', code: 'render_failed' })
      await sink.close()
      expect(await readdir(folder)).toEqual([])
    })

    test('refuses frames of another size and frames that go back in time', async () => {
      const sink = await open(path)
      await sink.write({ index: 0, time: 1, image: gradient(32, 24, 0) })
      await expect(sink.write({ index: 1, time: 2, image: blankFrame(24, 32) })).rejects.toThrow(RangeError)
      await expect(sink.write({ index: 1, time: 1, image: gradient(32, 24, 1) })).rejects.toThrow(RangeError)
      await sink.close()
    })

    test('a place that cannot be written to is refused before work begins', async () => {
      await writeFile(join(folder, 'file'), 'x')
      await expect(open(join(folder, 'file', resultName))).rejects.toMatchObject({ code: 'output_unwritable', exitCode: 2 })
    })
  })
}

function gradient(width: number, height: number, shift: number): Frame {
  const frame = blankFrame(width, height)
  for (let i = 0; i < frame.data.length; i++) frame.data[i] = (i * 3 + shift * 40) % 256
  return frame
}
