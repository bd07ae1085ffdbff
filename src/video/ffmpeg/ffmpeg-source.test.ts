import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everyFrame, h264, makeClip, picture, tone } from '../../../test/media/make-clip.ts'
import { testFrameSource } from '../frame-source.contract.ts'
import type { FrameRange, FrameSource, TimedFrame } from '../frame-source.ts'
import { openSource } from '../open-source.ts'

const media = join(import.meta.dirname, '../../../test/media')
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ofgen-source-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function read(source: FrameSource, range?: FrameRange): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = []
  for await (const frame of source.frames(range ? { range } : {})) frames.push(frame)
  return frames
}
const timesOf = (frames: readonly TimedFrame[]): number[] => frames.map((frame) => frame.time)
const hash = (frame: TimedFrame): string => createHash('sha1').update(frame.image.data).digest('hex')
const make = (name: string, args: readonly string[], input?: Uint8Array): Promise<string> => makeClip(folder, name, args, input)
const pixel = ({ image }: TimedFrame, x: number, y: number): number[] => {
  const at = (y * image.width + x) * 3
  return [...image.data.subarray(at, at + 3)]
}

testFrameSource('an MP4 file', async () => ({ source: await openSource(join(media, 'friday.mp4')), count: 30 }))

describe('every frame with its time', () => {
  test('a real clip: 30 frames at 30000/1001, exact, with its sound announced', async () => {
    const source = await openSource(join(media, 'flower.mp4'))
    expect(source.info).toMatchObject({ width: 320, height: 180, frameRate: 30000 / 1001, hasAudio: true, hasAlpha: false })
    expect(source.info.description).toBe('h264, 320x180, 29.97 fps, aac')
    const times = timesOf(await read(source))
    expect(times).toEqual(Array.from({ length: 30 }, (_, k) => (k * 1001) / 30000))
    expect(source.warnings).toEqual([])
  })

  test.each(['mp4', 'mkv'])('variable rate in %s: no frame is lost or doubled', async (ending) => {
    const kept = Array.from({ length: 40 }, (_, n) => n).filter((n) => n % 5 === 0 || n % 7 === 0)
    const select = ['-vf', 'select=not(mod(n\\,5))+not(mod(n\\,7))', everyFrame]
    const path = await make(`vfr.${ending}`, [...picture(2, 20), ...select, ...h264])
    const source = await openSource(path)
    const times = timesOf(await read(source))
    expect(times.length).toBe(kept.length)
    times.forEach((time, i) => expect(Math.abs(time - kept[i]! / 20)).toBeLessThan(ending === 'mp4' ? 1e-4 : 6e-4))
  })

  test('Matroska whose clock begins at 5 s keeps it; ranges count from the first frame', async () => {
    const path = await make('late.mkv', [...picture(1), ...h264, '-output_ts_offset', '5'])
    const source = await openSource(path)
    expect(timesOf(await read(source))).toEqual([5, 5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7, 5.8, 5.9])
    expect(timesOf(await read(source, { unit: 'seconds', start: 0.3, end: 0.5 }))).toEqual([5.3, 5.4])
    expect(source.info.duration).toBeCloseTo(1, 1)
  })

  test.each([
    ['AVI with MP3', 'a.avi', ['-c:v', 'mpeg4', '-c:a', 'libmp3lame'], 'mpeg4, 64x48, 10 fps, mp3'],
    ['MPEG-TS', 'a.ts', [...h264, '-c:a', 'aac'], 'h264, 64x48, 10 fps, aac'],
    ['MPEG-2 in a program stream', 'a.mpg', ['-c:v', 'mpeg2video', '-r', '25', '-c:a', 'mp2'], 'mpeg2video, 64x48, 25 fps, mp2'],
    ['VP8 in WebM', 'a.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'], 'vp8, 64x48, 10 fps, opus'],
  ])('%s', async (_, name, args, description) => {
    const source = await openSource(await make(name, [...picture(1), ...tone(1), ...args]))
    const frames = await read(source)
    expect(source.info.description).toBe(description)
    expect(source.info.hasAudio).toBe(true)
    expect(frames.length).toBe(name === 'a.mpg' ? 25 : 10)
  })

  test('a GIF: its own delays', async () => {
    const source = await openSource(await make('a.gif', picture(1)))
    expect(timesOf(await read(source))).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    expect(source.info).toMatchObject({ hasAudio: false, hasAlpha: false, frameRate: 10 })
  })
})

describe('a range in seconds is reached by seeking', () => {
  test.each(['mp4', 'mkv'])(
    'and gives the same frames and times as without: %s, with B-frames and open groups',
    async (ending) => {
      const coding = [
        '-c:v',
        'libx264',
        '-preset',
        'fast',
        '-pix_fmt',
        'yuv420p',
        '-g',
        '24',
        '-bf',
        '3',
        '-x264-params',
        'open-gop=1',
      ]
      const path = await make(`long.${ending}`, [...picture(12, 24), ...tone(12), ...coding, '-c:a', 'aac'])
      const source = await openSource(path)
      const all = await read(source)
      expect(all.length).toBe(288)
      for (const [start, end] of [
        [4.01, 4.3],
        [7.5, 7.7],
        [11.9, Infinity],
      ] as const) {
        const got = await read(source, { unit: 'seconds', start, end })
        const expected = all.filter(({ time }) => time - all[0]!.time >= start && time - all[0]!.time < end)
        expect(timesOf(got)).toEqual(timesOf(expected))
        expect(got.map(hash)).toEqual(expected.map(hash))
        expect(got.length).toBeGreaterThan(0)
      }
    },
  )
})

test('what lies before a range in seconds is not decoded: damage there does no harm', async () => {
  const whole = await make('front.mkv', [...picture(12, 10, '160x120'), ...h264, '-g', '10'])
  const bytes = await readFile(whole)
  for (let i = Math.floor(bytes.length * 0.2); i < bytes.length * 0.3; i += 7) bytes[i] = (i * 37) & 255
  const path = join(folder, 'front-damaged.mkv')
  await writeFile(path, bytes)
  const range: FrameRange = { unit: 'seconds', start: 9, end: Infinity }
  const source = await openSource(path)
  const got = await read(source, range)
  expect(got.map(hash)).toEqual((await read(await openSource(whole), range)).map(hash))
  expect(got.length).toBe(30)
  expect(source.warnings).toEqual([])
  await read(source)
  expect(source.warnings.join()).toContain('front-damaged.mkv is ')
})

describe('the picture as a viewer sees it', () => {
  test('a phone clip that is turned: upright sides, upright picture', async () => {
    // Left half red, right half blue; turned by 90 degrees clockwise the left side is up.
    const frame = Buffer.alloc(64 * 32 * 3)
    for (let i = 0; i < 64 * 32; i++) frame[i * 3 + (i % 64 < 32 ? 0 : 2)] = 220
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '64x32', '-r', '10', '-i', 'pipe:0']
    const path = await make('turned.mp4', [...raw, ...h264], Buffer.concat([frame, frame, frame]))
    const bytes = await readFile(path)
    const matrix = bytes.indexOf('tkhd') + 4 + 40
    ;[0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000].forEach((value, i) => bytes.writeInt32BE(value, matrix + i * 4))
    await writeFile(path, bytes)
    const source = await openSource(path)
    expect([source.info.width, source.info.height]).toEqual([32, 64])
    const [first] = await read(source)
    expect(pixel(first!, 16, 8)[0]).toBeGreaterThan(180)
    expect(pixel(first!, 16, 56)[2]).toBeGreaterThan(180)
  })

  test('samples that are not square are widened', async () => {
    const source = await openSource(await make('wide.mp4', [...picture(0.3), '-vf', 'setsar=4/3', ...h264]))
    expect([source.info.width, source.info.height]).toEqual([85, 48])
    expect((await read(source))[0]!.image).toMatchObject({ width: 85, height: 48 })
  })

  test('odd sizes stay odd', async () => {
    const coding = ['-vf', 'scale=63:47', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p']
    const source = await openSource(await make('odd.mp4', [...picture(0.3), ...coding]))
    expect([source.info.width, source.info.height]).toEqual([63, 47])
    expect((await read(source)).length).toBe(3)
  })

  test('transparency of VP9 shows the background, white if none is given, and that is said', async () => {
    // Green, opaque on the left and clear on the right.
    const frame = Buffer.alloc(64 * 48 * 4)
    for (let i = 0; i < 64 * 48; i++) frame.set([0, 200, 0, i % 64 < 32 ? 255 : 0], i * 4)
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgba', '-s', '64x48', '-r', '10', '-i', 'pipe:0']
    const coding = ['-c:v', 'libvpx-vp9', '-pix_fmt', 'yuva420p', '-auto-alt-ref', '0', '-deadline', 'realtime']
    const path = await make('clear.webm', [...raw, ...coding], Buffer.concat([frame, frame, frame]))
    const source = await openSource(path)
    expect(source.info.hasAlpha).toBe(true)
    const [first] = await read(source)
    expect(Math.abs(pixel(first!, 8, 24)[1]! - 200)).toBeLessThan(12)
    for (const value of pixel(first!, 56, 24)) expect(value).toBeGreaterThan(250)
    expect(source.warnings).toEqual(['Transparent parts of clear.webm are shown over white.'])
    const [dark] = await read(await openSource(path, { background: [0, 0, 0] }))
    for (const value of pixel(dark!, 56, 24)) expect(value).toBeLessThan(5)
  })

  test('transparency of ProRes 4444 too, and a format with room for it but no use of it is no matter', async () => {
    const source = await openSource(
      await make('prores.mov', [...picture(0.3), '-c:v', 'prores_ks', '-profile:v', '4444', '-pix_fmt', 'yuva444p10le']),
    )
    expect(source.info.hasAlpha).toBe(true)
    expect((await read(source)).length).toBe(3)
    expect(source.warnings).toEqual([])
  })
})

describe('processes', () => {
  const children = (): number => {
    const list = `/proc/${process.pid}/task/${process.pid}/children`
    return existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).length : -1
  }

  test.skipIf(process.platform !== 'linux')('ffmpeg waits while nobody reads, and is gone when the loop is left', async () => {
    const source = await openSource(await make('big.mp4', [...picture(2, 30, '640x480'), ...h264]))
    const before = children()
    for await (const frame of source.frames()) {
      expect(frame.index).toBe(0)
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(children()).toBe(before + 1)
      break
    }
    expect(children()).toBe(before)
  })

  test('close() ends a reading that is under way', async () => {
    const source = await openSource(join(media, 'friday.mp4'))
    const reading = (async () => {
      for await (const _ of source.frames()) await source.close()
    })()
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  })
})
