import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFfmpeg } from './find-ffmpeg.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ofgen-find-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const script = async (name: string, lines: string): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
  return path
}

test('finds one that decodes, encodes and tells times, and keeps the answer', async () => {
  const found = await findFfmpeg()
  expect(found.version).toMatch(/\S/)
  expect(found.avcodec[0]).toBeGreaterThanOrEqual(58)
  expect(found.can).toMatchObject({ h264: true, vp9: true, aac: true, gif: true })
  expect(await findFfmpeg()).toBe(found)
})

describe.skipIf(process.platform === 'win32')('with other programs in the way', () => {
  test('a program named by hand is never replaced: a missing one is an error that names the option', async () => {
    await expect(findFfmpeg({ ffmpeg: join(folder, 'nothing') })).rejects.toMatchObject({
      code: 'ffmpeg_missing',
      exitCode: 2,
      message: `The ffmpeg given by --ffmpeg (${join(folder, 'nothing')}) cannot be used: no such program.`,
      hint: expect.any(String) as string,
    })
    await expect(findFfmpeg({ env: { FFMPEG_PATH: 'no-such-program', PATH: process.env['PATH'] } })).rejects.toThrow(
      'FFMPEG_PATH',
    )
  })

  test('the option goes before FFMPEG_PATH', async () => {
    const env = { ...process.env, FFMPEG_PATH: join(folder, 'nothing') }
    const { path } = await findFfmpeg()
    expect(await findFfmpeg({ ffmpeg: path, env })).toMatchObject({ path, origin: 'option' })
  })

  test('a program that is not ffmpeg, and one that is too old', async () => {
    const other = await script('other', 'echo hello')
    await expect(findFfmpeg({ ffmpeg: other })).rejects.toThrow('does not answer "-version"')
    const old = await script('old', 'echo "ffmpeg version 3.4.11 Copyright"; echo "libavcodec     57.107.100 / 57.107.100"')
    await expect(findFfmpeg({ ffmpeg: old })).rejects.toThrow('its version 3.4.11 is too old')
  })

  test('a build without what every frame needs is refused with the reason', async () => {
    const poor = await script(
      'poor',
      'case "$*" in *-version*) echo "ffmpeg version 7.1"; echo "libavcodec     61. 19.100 / 61. 19.100";; *) exit 1;; esac',
    )
    await expect(findFfmpeg({ ffmpeg: poor })).rejects.toThrow('showinfo')
  })

  test('a broken ffmpeg on PATH is passed over for the one of the optional package', async () => {
    await script('ffmpeg', 'exit 1')
    const packaged = await import('@ffmpeg-installer/ffmpeg').then(
      (module) => (module as { default: { path: string } }).default.path,
      () => undefined,
    )
    const found = findFfmpeg({ env: { PATH: folder } })
    if (packaged === undefined) await expect(found).rejects.toMatchObject({ code: 'ffmpeg_missing' })
    else expect(await found).toMatchObject({ path: packaged, origin: 'package' })
  })
})
