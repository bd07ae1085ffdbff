import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memorySource } from '../../../test/media/memory-source.ts'
import { testFrameSink } from '../frame-sink.contract.ts'
import { openSource } from '../open-source.ts'
import { openPngFolderSink } from './png-folder-sink.ts'

testFrameSink('a folder of PNG files', 'frames', (path) => openPngFolderSink(path))

test('what is written can be read back bit by bit, also into an empty folder, under names of choice', async () => {
  const root = await mkdtemp(join(tmpdir(), 'ofgen-png-sink-'))
  try {
    const folder = join(root, 'frames')
    await mkdir(folder)
    const sink = await openPngFolderSink(folder, { name: (frame) => `converted_${String(frame).padStart(6, '0')}.png` })
    const source = memorySource([0, 0.5, 1], 2)
    for await (const frame of source.frames()) await sink.write(frame)
    await sink.finish()
    expect((await readdir(folder)).sort()).toEqual(['converted_000000.png', 'converted_000001.png', 'converted_000002.png'])
    const expected: Uint8Array[] = []
    for await (const { image } of source.frames()) expected.push(image.data)
    const got: Uint8Array[] = []
    for await (const { image } of (await openSource(join(folder, 'converted_%06d.png'))).frames()) got.push(image.data)
    expect(got).toEqual(expected)
  } finally {
    await rm(root, { recursive: true })
  }
})

test('a folder with files in it is left alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'ofgen-png-sink-'))
  try {
    await writeFile(join(root, 'precious.txt'), 'x')
    await expect(openPngFolderSink(root)).rejects.toMatchObject({ code: 'output_occupied', exitCode: 2 })
    expect(await readdir(root)).toEqual(['precious.txt'])
  } finally {
    await rm(root, { recursive: true })
  }
})
