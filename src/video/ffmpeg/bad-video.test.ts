import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cutFile, h264, makeClip, picture, tone } from '../../../test/media/make-clip.ts'
import type { FrameSource, TimedFrame } from '../frame-source.ts'
import { openSource } from '../open-source.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ofgen-bad-video-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function read(source: FrameSource): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = []
  for await (const frame of source.frames()) frames.push(frame)
  return frames
}
const make = (name: string, args: readonly string[]): Promise<string> => makeClip(folder, name, args)

describe('a file that is cut gives the frames that exist, and says so', () => {
  test.each([
    ['MP4 with its index in front', 'whole.mp4', [...h264, '-movflags', '+faststart']],
    ['Matroska', 'whole.mkv', h264],
    ['WebM', 'whole.webm', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-g', '10']],
  ])('%s', async (_, name, args) => {
    const whole = await make(name, [...picture(4, 10, '160x120'), ...args])
    const source = await openSource(await cutFile(whole, join(folder, `cut-${name}`), 0.6))
    const frames = await read(source)
    expect(frames.length).toBeGreaterThan(8)
    expect(frames.length).toBeLessThan(36)
    expect(source.warnings.length).toBe(1)
    expect(source.warnings[0]).toMatch(new RegExp(`^cut-${name} is cut at frame ${frames.length} \\(\\d\\.\\d+ s\\)`))
    const intact = await openSource(whole)
    expect((await read(intact)).length).toBe(40)
    expect(intact.warnings).toEqual([])
  })

  test('bytes broken in the middle are reported as damage', async () => {
    const whole = await make('damage.ts', [...picture(4, 10, '160x120'), ...h264])
    const bytes = await readFile(whole)
    for (let i = Math.floor(bytes.length * 0.5); i < bytes.length * 0.53; i++) bytes[i] = (i * 37) & 255
    const path = join(folder, 'damaged.ts')
    await writeFile(path, bytes)
    const source = await openSource(path)
    expect((await read(source)).length).toBeGreaterThan(20)
    expect(source.warnings.join()).toContain('damaged.ts is damaged in places')
  })
})

describe('what is no video is refused before work begins, with a sentence, a hint and exit code 2', () => {
  const refused = async (path: string, code: string, message: RegExp): Promise<void> => {
    await expect(openSource(path)).rejects.toMatchObject({
      name: 'OfgenError',
      code,
      exitCode: 2,
      hint: expect.any(String) as string,
      message: expect.stringMatching(message) as string,
    })
  }

  test('no such file', () => refused(join(folder, 'nothing.mp4'), 'input_missing', /^There is no file .*nothing\.mp4\.$/))

  test.each([
    ['a text file named .mp4', 'text.mp4', 'This is a text, not a video.\n'.repeat(50), /^.*text\.mp4 is not a /],
    ['a text file', 'notes.txt', 'This is a text, not a video.\n', /notes\.txt is not a video that ffmpeg can read/],
    ['an empty file', 'empty.mp4', '', /empty\.mp4 is empty\.$/],
    [
      'bytes of no meaning',
      'noise.mkv',
      String.fromCharCode(...Array.from({ length: 999 }, (_, i) => (i * i * 7) % 128)),
      /noise\.mkv is not/,
    ],
  ])('%s', async (_, name, content, message) => {
    await writeFile(join(folder, name), content)
    await refused(join(folder, name), 'video_unreadable', message)
  })

  test('an MP4 that is cut before its index', async () => {
    const whole = await make('tail.mp4', [...picture(1), ...h264])
    await refused(await cutFile(whole, join(folder, 'no-index.mp4'), 0.7), 'video_unreadable', /it is cut, or it is no MP4/)
  })

  test('sound alone', async () => {
    await refused(await make('sound.mp3', [...tone(0.5), '-c:a', 'libmp3lame']), 'video_missing', /sound\.mp3 has no video in it/)
  })

  test.each([
    ['mp3', ['-c:a', 'libmp3lame', '-id3v2_version', '3', '-metadata:s:v', 'comment=Cover (front)']],
    ['m4a', ['-c:a', 'aac']],
  ])('sound with a cover picture: %s', async (ending, args) => {
    const cover = await make('cover.png', [...picture(0.1, 10), '-frames:v', '1'])
    const maps = ['-map', '0', '-map', '1', '-c:v', 'copy', '-disposition:v:0', 'attached_pic']
    const path = await make(`song.${ending}`, [...tone(0.5), '-i', cover, ...maps, ...args])
    await refused(path, 'video_missing', /has no video in it/)
  })

  test('a video of zero frames', async () => {
    await refused(await make('zero.mp4', [...picture(1), ...h264, '-t', '0']), 'video_missing', /has no video in it/)
  })
})
