import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ALL_FORMATS, EncodedPacketSink, FilePathSource, Input, type InputTrack } from 'mediabunny'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { everyFrame, h264, makeClip, picture, tone } from '../../../test/media/make-clip.ts'
import { blankFrame, type Frame } from '../../image/frame.ts'
import { testFrameSink } from '../frame-sink.contract.ts'
import type { FrameRange, TimedFrame } from '../frame-source.ts'
import { openSource } from '../open-source.ts'
import { findFfmpeg } from './find-ffmpeg.ts'
import { runFfmpeg } from './run-ffmpeg.ts'
import { openVideoSink, type VideoSinkOptions } from './video-sink.ts'

const media = join(import.meta.dirname, '../../../test/media')
let root = ''
let folder = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ofgen-video-sink-'))
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'one-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

for (const format of ['mp4', 'webm', 'gif'] as const)
  testFrameSink(`a ${format} file`, `result.${format}`, (path) => openVideoSink(path, { frameRate: 10 }))

interface Stamps {
  readonly codec: string | null
  readonly starts: readonly number[]
  readonly end: number
  readonly sizes: readonly number[]
}

async function stampsOf(track: InputTrack | null): Promise<Stamps | undefined> {
  if (track === null) return undefined
  const packets: { start: number; end: number; size: number }[] = []
  for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true }))
    packets.push({ start: packet.timestamp, end: packet.timestamp + packet.duration, size: packet.byteLength })
  packets.sort((a, b) => a.start - b.start)
  return {
    codec: await track.getCodec(),
    starts: packets.map((packet) => packet.start),
    end: Math.max(...packets.map((packet) => packet.end)),
    sizes: packets.map((packet) => packet.size),
  }
}

async function demux(path: string): Promise<{ video: Stamps; audio: Stamps | undefined; color: unknown }> {
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  try {
    const video = await input.getPrimaryVideoTrack()
    return {
      video: (await stampsOf(video))!,
      audio: await stampsOf(await input.getPrimaryAudioTrack()),
      color: await video!.getColorSpace(),
    }
  } finally {
    input.dispose()
  }
}

async function copyThrough(
  from: string,
  to: string,
  range?: FrameRange,
  options: Partial<VideoSinkOptions> = {},
): Promise<{ times: number[]; warnings: readonly string[] }> {
  const source = await openSource(from)
  const base = { frameRate: source.info.frameRate, soundFrom: from, excerpt: range !== undefined }
  const sink = await openVideoSink(to, { ...base, ...options })
  const times: number[] = []
  for await (const frame of source.frames(range ? { range } : {})) {
    times.push(frame.time)
    await sink.write(frame)
  }
  await sink.finish()
  return { times, warnings: sink.warnings }
}

async function read(path: string): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = []
  for await (const frame of (await openSource(path)).frames()) frames.push(frame)
  return frames
}

function meanError(a: Frame, b: Frame): number {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!)
  return sum / a.data.length
}

/** When a beep begins in the sound of a video, seconds on the video's clock. */
async function beepAt(path: string): Promise<number> {
  const { path: program } = await findFfmpeg()
  const filter = ['-af', 'aresample=8000:async=1:first_pts=0', '-ac', '1', '-f', 's16le', 'pipe:1']
  const { output } = await runFfmpeg(program, ['-nostdin', '-i', path, '-vn', ...filter], { collect: true })
  for (let i = 0; i + 1 < output.length; i += 2) if (Math.abs(output.readInt16LE(i)) > 4000) return i / 2 / 8000
  return NaN
}

const eight: FrameRange = { unit: 'frames', start: 0, end: 8 }
const irregular = ['-vf', 'select=not(mod(n\\,5))+not(mod(n\\,7))', everyFrame]

describe('times', () => {
  test.each([
    ['mp4', 1e-4],
    ['webm', 1e-3],
  ] as const)('of a variable rate are kept in %s, within a millisecond, with B-frames', async (format, within) => {
    const from = await makeClip(folder, 'from.mp4', [...picture(3, 20), ...irregular, ...h264])
    const to = join(folder, `to.${format}`)
    const { times } = await copyThrough(from, to)
    const { video, audio } = await demux(to)
    expect(audio).toBeUndefined()
    expect(video.starts.length).toBe(times.length)
    video.starts.forEach((start, i) => expect(Math.abs(start - times[i]!)).toBeLessThan(within))
    const again = await read(to)
    again.forEach(({ time }, i) => expect(Math.abs(time - times[i]!)).toBeLessThan(within))
  })

  test('every frame is where its time says: pictures are not exchanged', async () => {
    const sink = await openVideoSink(join(folder, 'steps.mp4'), { frameRate: 20 })
    const times = Array.from({ length: 40 }, (_, k) => k / 20 + (k % 3) / 100)
    for (const [index, time] of times.entries()) {
      const image = blankFrame(32, 32)
      image.data.fill((index * 53) % 200)
      await sink.write({ index, time, image })
    }
    const frames = await read(await sink.finish())
    expect(frames.length).toBe(40)
    frames.forEach(({ time, image }, k) => {
      expect(Math.abs(time - times[k]!)).toBeLessThan(1e-4)
      expect(Math.abs(image.data[16 * 96 + 48]! - ((k * 53) % 200))).toBeLessThan(8)
    })
  })

  test('a start after 0 is kept, a far or negative one moved to 0 and said', async () => {
    for (const [start, shift] of [
      [5, 0],
      [3600, 3600],
      [-0.5, -0.5],
    ] as const) {
      const sink = await openVideoSink(join(folder, `start${start}.mp4`), { frameRate: 10 })
      for (let k = 0; k < 5; k++) await sink.write({ index: k, time: start + k / 10, image: blankFrame(16, 16) })
      const { video } = await demux(await sink.finish())
      video.starts.forEach((time, k) => expect(time).toBeCloseTo(start - shift + k / 10, 4))
      expect(sink.warnings.length).toBe(shift === 0 ? 0 : 1)
    }
  })

  test('the last frame lasts as long as the rate says', async () => {
    const sink = await openVideoSink(join(folder, 'last.mp4'), { frameRate: 4 })
    for (let k = 0; k < 3; k++) await sink.write({ index: k, time: k / 4, image: blankFrame(16, 16) })
    expect((await demux(await sink.finish())).video.end).toBeCloseTo(0.75, 4)
  })
})

describe('pictures', () => {
  test('come out as they went in, tagged BT.709', async () => {
    for (const [format, within] of [
      ['mp4', 2],
      ['webm', 3],
    ] as const) {
      const to = join(folder, `flower.${format}`)
      await copyThrough(join(media, 'flower.mp4'), to, eight)
      expect((await demux(to)).color).toEqual({ primaries: 'bt709', transfer: 'bt709', matrix: 'bt709', fullRange: false })
      const [before, after] = await Promise.all([read(join(media, 'flower.mp4')), read(to)])
      expect(after.length).toBe(8)
      for (const k of [0, 3, 7]) expect(meanError(before[k]!.image, after[k]!.image)).toBeLessThan(within)
    }
  })

  test('a lower crf is larger and nearer to the source', async () => {
    const before = (await read(join(media, 'flower.mp4')))[5]!.image
    const [fine, rough] = await Promise.all(
      [10, 40].map(async (crf) => {
        const to = join(folder, `${crf}.mp4`)
        await copyThrough(join(media, 'flower.mp4'), to, eight, { crf })
        const { video } = await demux(to)
        return { bytes: video.sizes.reduce((a, b) => a + b, 0), error: meanError(before, (await read(to))[5]!.image) }
      }),
    )
    expect(fine!.bytes).toBeGreaterThan(2 * rough!.bytes)
    expect(fine!.error).toBeLessThan(rough!.error)
  })

  test('odd sides get one more row and column in MP4, repeated from the edge, and stay in WebM', async () => {
    const image = blankFrame(31, 21)
    image.data.fill(150)
    for (const [format, sides] of [
      ['mp4', [32, 22]],
      ['webm', [31, 21]],
    ] as const) {
      const sink = await openVideoSink(join(folder, `odd.${format}`), { frameRate: 10 })
      for (let k = 0; k < 3; k++) await sink.write({ index: k, time: k / 10, image })
      const [first] = await read(await sink.finish())
      expect([first!.image.width, first!.image.height]).toEqual(sides)
      for (const value of first!.image.data) expect(Math.abs(value - 150)).toBeLessThan(4)
    }
  })
})

describe('sound', () => {
  test('AAC is copied packet by packet into MP4', async () => {
    const from = join(media, 'friday.mp4')
    const { warnings } = await copyThrough(from, join(folder, 'copy.mp4'))
    const [before, after] = await Promise.all([demux(from), demux(join(folder, 'copy.mp4'))])
    expect(after.audio!.codec).toBe('aac')
    expect(after.audio!.sizes).toEqual(before.audio!.sizes)
    after.audio!.starts.forEach((start, i) => expect(Math.abs(start - before.audio!.starts[i]!)).toBeLessThan(1e-4))
    expect(warnings).toEqual([])
  })

  test.each([
    ['MP3 of an AVI into MP4', 'avi', ['-c:v', 'mpeg4', '-c:a', 'libmp3lame'], 'mp4', 'mp3', false],
    ['AAC of a transport stream into MP4', 'ts', [...h264, '-c:a', 'aac'], 'mp4', 'aac', false],
    ['Opus of a WebM into WebM', 'webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'], 'webm', 'opus', false],
    ['Vorbis of a Matroska into MP4', 'mkv', [...h264, '-c:a', 'libvorbis'], 'mp4', 'aac', true],
    ['AAC of an MP4 into WebM', 'mp4', [...h264, '-c:a', 'aac'], 'webm', 'opus', true],
  ] as const)(
    '%s: copied where the container takes it, else coded anew and said',
    async (_, ending, args, format, codec, coded) => {
      const from = await makeClip(folder, `from.${ending}`, [...picture(1), ...tone(1), ...args])
      const { warnings } = await copyThrough(from, join(folder, `to.${format}`))
      const { audio, video } = await demux(join(folder, `to.${format}`))
      expect(audio!.codec).toBe(codec)
      expect(audio!.end - video.starts[0]!).toBeGreaterThan(0.9)
      expect(warnings.some((warning) => warning.includes('coded anew'))).toBe(coded)
      expect((await readdir(folder)).sort()).toEqual([`from.${ending}`, `to.${format}`].sort())
    },
  )

  const beep = ['-f', 'lavfi', '-i', 'aevalsrc=if(between(t\\,1.2\\,1.5)\\,0.8*sin(2*PI*880*t)\\,0):d=3:s=44100']

  test.each([
    ['mp4', ['-c:a', 'aac'], 'mp4', 0.02],
    ['mp4', ['-c:a', 'aac'], 'webm', 0.03],
    ['mkv', ['-c:a', 'libvorbis'], 'mp4', 0.03],
  ] as const)('stays in step, whole and in part: %s to %s', async (ending, coding, format, within) => {
    const from = await makeClip(folder, `beep.${ending}`, [...picture(3), ...beep, ...h264, ...coding])
    await copyThrough(from, join(folder, `whole.${format}`))
    expect(Math.abs((await beepAt(join(folder, `whole.${format}`))) - 1.2)).toBeLessThan(within)
    await copyThrough(from, join(folder, `part.${format}`), { unit: 'seconds', start: 0.7, end: 2.2 })
    expect(Math.abs((await beepAt(join(folder, `part.${format}`))) - 0.5)).toBeLessThan(within)
    const { video, audio } = await demux(join(folder, `part.${format}`))
    expect(video.starts[0]).toBe(0)
    expect(video.starts.length).toBe(15)
    expect(Math.abs(audio!.end - 1.5)).toBeLessThan(0.04)
  })

  test('of several tracks one is taken, and that is said', async () => {
    const maps = ['-map', '0:v', '-map', '1:a', '-map', '2:a']
    const from = await makeClip(folder, 'two.mkv', [...picture(0.5), ...tone(0.5), ...tone(0.5), ...maps, ...h264, '-c:a', 'aac'])
    const { warnings } = await copyThrough(from, join(folder, 'one.mp4'))
    expect(warnings.join()).toContain('2 sound tracks')
    expect((await demux(join(folder, 'one.mp4'))).audio!.codec).toBe('aac')
  })
})

describe('GIF', () => {
  test('keeps times to its grid of 10 ms, merges frames that follow in less than 20 ms, also where nothing moves', async () => {
    const times = [2, 2.1, 2.105, 2.2, 2.5, 2.51, 2.53, 6]
    const sink = await openVideoSink(join(folder, 'a.gif'), { frameRate: 5 })
    for (const [index, time] of times.entries()) await sink.write({ index, time, image: blankFrame(16, 16) })
    const path = await sink.finish()
    const got = (await read(path)).map((frame) => Number(frame.time.toFixed(4)))
    expect(got).toEqual([0, 0.1, 0.2, 0.5, 0.53, 4])
    expect(sink.warnings).toEqual(['2 frames that follow in less than 20 ms were left out: GIF cannot show them.'])
  })

  test('pictures are near the source', async () => {
    const to = join(folder, 'flower.gif')
    await copyThrough(join(media, 'flower.mp4'), to, eight)
    const [before, after] = await Promise.all([read(join(media, 'flower.mp4')), read(to)])
    expect(after.length).toBe(8)
    for (const k of [0, 7]) expect(meanError(before[k]!.image, after[k]!.image)).toBeLessThan(8)
  })
})

describe('what goes wrong on the way is one sentence, and nothing is left', () => {
  const image = blankFrame(320, 240)
  const fill = async (path: string, options: Partial<VideoSinkOptions> = {}): Promise<unknown> => {
    for (let i = 0; i < image.data.length; i++) image.data[i] = (i * i * 31) & 255
    const sink = await openVideoSink(path, { frameRate: 10, ...options })
    try {
      for (let k = 0; k < 12; k++) await sink.write({ index: k, time: k / 10, image })
      return await sink.finish()
    } finally {
      await sink.close()
    }
  }
  const wrapper = async (body: string): Promise<string> => {
    const { path } = await findFfmpeg()
    const program = join(root, `wrapper-${Math.random()}`)
    await writeFile(program, `#!/bin/sh\nreal='${path}'\nfor last; do :; done\n${body}\nexec "$real" "$@"\n`)
    await chmod(program, 0o755)
    return program
  }

  test.skipIf(process.platform !== 'linux')('a disk that fills up while frames are encoded', async () => {
    const full =
      'case "$last" in *.part.mkv) n=$#; i=0; for a; do shift; i=$((i+1)); if [ $i -eq $n ]; then set -- "$@" -f matroska file:/dev/full; else set -- "$@" "$a"; fi; done;; esac'
    await expect(fill(join(folder, 'a.mp4'), { ffmpeg: await wrapper(full) })).rejects.toMatchObject({
      code: 'disk_full',
      exitCode: 1,
      message: expect.stringContaining('a.mp4') as string,
      hint: expect.any(String) as string,
    })
    expect(await readdir(folder)).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')('a disk that fills up while the result is written', async () => {
    await symlink('/dev/full', join(folder, 'a.mp4.part'))
    await expect(fill(join(folder, 'a.mp4'))).rejects.toMatchObject({ code: 'disk_full' })
    expect(await readdir(folder)).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('an ffmpeg that dies: its last words are in the message', async () => {
    const dying =
      'case "$last" in *.part.mkv) head -c 1000 >/dev/null; echo "[error] the encoder is on strike" >&2; exit 1;; esac'
    await expect(fill(join(folder, 'a.mp4'), { ffmpeg: await wrapper(dying) })).rejects.toMatchObject({
      code: 'render_failed',
      exitCode: 1,
      message: expect.stringContaining('the encoder is on strike') as string,
    })
    expect(await readdir(folder)).toEqual([])
  })

  test('an aborted signal', async () => {
    const abort = new AbortController()
    const sink = await openVideoSink(join(folder, 'a.mp4'), { frameRate: 10, signal: abort.signal })
    await sink.write({ index: 0, time: 0, image: blankFrame(16, 16) })
    abort.abort()
    await expect(sink.write({ index: 1, time: 1, image: blankFrame(16, 16) })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(sink.finish()).rejects.toMatchObject({ name: 'AbortError' })
    expect(await readdir(folder)).toEqual([])
  })

  test('wrong arguments', async () => {
    await expect(openVideoSink(join(folder, 'a.mp4'), { frameRate: 0 })).rejects.toThrow(RangeError)
    await expect(openVideoSink(join(folder, 'a.mp4'), { frameRate: 5, crf: 52 })).rejects.toThrow(RangeError)
    await expect(openVideoSink(join(folder, 'no', 'a.mp4'), { frameRate: 5 })).rejects.toMatchObject({
      code: 'output_unwritable',
    })
  })
})
