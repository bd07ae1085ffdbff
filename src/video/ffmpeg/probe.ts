import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { OfgenError } from '../../errors.ts'
import type { VideoInfo } from '../frame-source.ts'
import {
  type ClockDescription,
  type ColorDescription,
  describeClock,
  describeColor,
  describeFrame,
  describeInput,
  type FrameDescription,
} from './describe-input.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { type FfmpegExit, lastWords, localOnly, runFfmpeg } from './run-ffmpeg.ts'

/** A video file as it was found: what every reader needs, and what decoding it right needs. */
export interface VideoProbe {
  readonly info: VideoInfo
  /** Container as ffmpeg calls it. */
  readonly format: string
  /** Where the clock of the file and where its first picture begin, seconds. */
  readonly start: number
  readonly firstTime: number
  readonly pixelFormat: string
  readonly hasAlpha: boolean
  readonly color: ColorDescription
  readonly isHdr: boolean
  /** Decoder to ask for instead of ffmpeg's own choice. */
  readonly decoder: string | undefined
  readonly audioCodec: string | undefined
  readonly audioTracks: number
  /** What the user should know before a frame is read. */
  readonly warnings: readonly string[]
}

const hint = 'Check that the file plays in a video player; convert it with "ffmpeg -i FILE fixed.mp4" if it does.'

/**
 * Looks at a video by decoding its first frame.
 *
 * @throws OfgenError `input_missing`, `video_unreadable` (not a video, or cut so that nothing can be read), `video_missing` (no picture in it).
 */
export async function probeVideo(
  path: string,
  { ffmpeg, signal }: { readonly ffmpeg: Ffmpeg; readonly signal?: AbortSignal | undefined },
): Promise<VideoProbe> {
  await refuseNonFile(path)

  // 1. One run: header, first frame, its colours.
  const { input, read } = describeInput()
  let clock: ClockDescription | undefined
  let first: FrameDescription | undefined
  let color: ColorDescription | undefined
  const args = [
    '-nostdin',
    '-copyts',
    ...localOnly,
    '-i',
    inputName(path),
    '-map',
    '0:V:0',
    '-an',
    '-sn',
    '-dn',
    '-frames:v',
    '1',
  ]
  const exit = await runFfmpeg(
    ffmpeg.path,
    [...args, '-vf', 'showinfo', ...ffmpeg.passthrough, '-f', 'rawvideo', '-pix_fmt', 'rgba', 'pipe:1'],
    {
      signal,
      collect: true,
      onLine: (line) => {
        read(line)
        clock ??= describeClock(line)
        first ??= describeFrame(line)
        if (first !== undefined) color ??= describeColor(line)
      },
    },
  )

  // 2. Is there a video?
  const videos = input.streams.filter((stream) => stream.kind === 'Video' && !stream.attachedPicture)
  const video = videos[0]
  if (input.format === '' || input.format === 'tty' || exit.output.length === 0 || first === undefined || video === undefined)
    throw refusal(path, exit, input.format, video !== undefined)

  // 3. What a viewer sees.
  const width = Math.abs(first.sampleAspect - 1) < 0.01 ? first.width : Math.max(1, Math.round(first.width * first.sampleAspect))
  const { height } = first
  const audio = input.streams.filter((stream) => stream.kind === 'Audio')
  const frameRate = pickRate(video.rate, clock?.frameRate)
  const duration = lengthOf(input.format, input.duration, input.start)
  const mayBeClear = /^(yuva|rgba|bgra|argb|abgr|gbrap|ya\d|ayuv|pal8)/.test(first.pixelFormat)
  // Palettes always have room for a clear colour; what counts there is whether the first frame uses it.
  const palette = first.pixelFormat === 'pal8' || input.format === 'gif'
  const hasAlpha = video.alphaBeside || (mayBeClear && (!palette || hasClearPixel(exit.output)))
  const isHdr = color !== undefined && /^(smpte2084|arib-std-b67)$/.test(color.transfer)
  const audioCodec = (audio.find((stream) => stream.isDefault) ?? audio[0])?.codec
  const rate = Number(frameRate.toFixed(2))

  // 4. What is odd.
  const warnings: string[] = []
  const name = basename(path)
  if (videos.length > 1) warnings.push(`${name} has ${videos.length} video streams; the first is used.`)
  if (video.alphaBeside && !ffmpeg.can.vpxAlpha)
    warnings.push(`The transparency of ${name} is ignored: this ffmpeg was built without libvpx.`)
  if (isHdr && !ffmpeg.can.toneMap)
    warnings.push(`${name} is HDR and will look pale: this ffmpeg was built without zscale, which brings HDR to SDR.`)
  if (/\b(top|bottom) (first|coded first|field)/i.test(video.text))
    warnings.push(`${name} is interlaced; its frames are used as they are, with comb lines where things move.`)

  return {
    info: {
      path,
      width,
      height,
      frameRate,
      duration,
      frameCount: duration === undefined ? undefined : Math.max(1, Math.round(duration * frameRate)),
      hasAudio: audio.length > 0,
      hasAlpha,
      description: [video.codec, `${width}x${height}`, `${rate} fps`, ...(isHdr ? ['HDR'] : []), audioCodec ?? 'no audio'].join(
        ', ',
      ),
    },
    format: input.format,
    start: input.start,
    firstTime: clock === undefined ? 0 : ((first.pts ?? 0) * clock.numerator) / clock.denominator,
    pixelFormat: first.pixelFormat,
    hasAlpha: video.alphaBeside || mayBeClear,
    color: color ?? { space: 'unknown', primaries: 'unknown', transfer: 'unknown' },
    isHdr,
    decoder: video.alphaBeside && ffmpeg.can.vpxAlpha ? { vp9: 'libvpx-vp9', vp8: 'libvpx' }[video.codec] : undefined,
    audioCodec,
    audioTracks: audio.length,
    warnings,
  }
}

/** How a path is given to ffmpeg so that it is always a local file, whatever it looks like. */
export function inputName(path: string): string {
  return `file:${resolve(path)}`
}

async function refuseNonFile(path: string): Promise<void> {
  const file = await stat(path).catch((error: unknown) => {
    throw new OfgenError('input_missing', `There is no file ${path}.`, {
      hint: 'Check the path; paths with spaces need quotes.',
      cause: error,
    })
  })
  if (file.isDirectory()) throw new OfgenError('video_unreadable', `${path} is a folder, not a video.`, { hint })
  if (file.isFile() && file.size === 0) throw new OfgenError('video_unreadable', `${path} is empty.`, { hint })
}

function refusal(path: string, exit: FfmpegExit, format: string, hasVideo: boolean): OfgenError {
  const words = lastWords(exit).replace(`${inputName(path)}: `, '')
  if (format === '' || format === 'tty') {
    const unfinished = exit.errors.some((line) => line.includes('moov atom not found'))
    return new OfgenError(
      'video_unreadable',
      unfinished
        ? `${path} is not a readable video: it is cut, or it is no MP4 (its index is missing).`
        : `${path} is not a video that ffmpeg can read: ${words}.`,
      { hint },
    )
  }
  if (hasVideo && exit.errors.length > 0 && !exit.errors.some((line) => /matches no streams|Output file is empty/.test(line)))
    return new OfgenError('video_unreadable', `No frame of ${path} can be decoded: ${words}.`, { hint })
  return new OfgenError('video_missing', `${path} has no video in it${hasVideo ? ': not one frame' : ''}.`, {
    hint: 'Give a file with moving pictures; sound alone or a cover picture cannot be rendered.',
  })
}

/** The exact rate of the stream where the mean rate agrees with it, else the mean. */
function pickRate(mean: number | undefined, exact: number | undefined): number {
  if (exact !== undefined && (mean === undefined || Math.abs(exact / mean - 1) < 0.01)) return exact
  return mean ?? 25
}

/** Matroska counts its duration from 0, the others from their own start. */
function lengthOf(format: string, duration: number | undefined, start: number): number | undefined {
  if (duration === undefined || duration <= 0) return undefined
  return format.startsWith('matroska') && start > 0 && start < duration ? duration - start : duration
}

function hasClearPixel(rgba: Uint8Array): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i]! < 255) return true
  return false
}
