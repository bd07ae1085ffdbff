import { ALL_FORMATS, FilePathSource, Input } from 'mediabunny'
import { diskFull } from '../../image/whole-file.ts'
import { describeInput } from './describe-input.ts'
import type { Ffmpeg } from './find-ffmpeg.ts'
import { inputName } from './probe.ts'
import { lastWords, localOnly, ranOutOfSpace, runFfmpeg, succeeded } from './run-ffmpeg.ts'

/** Codecs that are put into the result without coding them again. */
const copied = { mp4: ['aac', 'mp3'], webm: ['opus', 'vorbis'] } as const

export interface PreparedSound {
  /** A file whose first sound track the result's container takes. */
  readonly path: string
  /** Whether `path` was made here and is to be removed. */
  readonly temporary: boolean
  /** Sentences for the user. */
  readonly warnings: readonly string[]
}

/**
 * Makes the sound of a video ready for the result: the file itself where its packets can be copied from there, otherwise a file that
 * ffmpeg makes (copied where the codec allows, else coded anew). Times stay on the clock of the source.
 *
 * @param temporary Path without ending for a file that may be needed.
 * @returns `undefined` if the video has no sound, or none that can be read.
 */
export async function prepareSound(
  source: string,
  options: {
    readonly format: 'mp4' | 'webm'
    readonly ffmpeg: Ffmpeg
    readonly temporary: string
    /** Part that is needed, seconds on the clock of the source. */
    readonly from: number
    readonly to: number
    readonly signal?: AbortSignal | undefined
  },
): Promise<PreparedSound | { readonly path: undefined; readonly warnings: readonly string[] }> {
  const { format, ffmpeg, temporary, from, to, signal } = options
  const takes: readonly string[] = copied[format]
  const warnings: string[] = []

  // 1. What is there?
  const { input, read } = describeInput()
  await runFfmpeg(ffmpeg.path, ['-nostdin', ...localOnly, '-i', inputName(source)], { signal, onLine: read })
  const tracks = input.streams.filter((stream) => stream.kind === 'Audio')
  const track = tracks.find((stream) => stream.isDefault) ?? tracks[0]
  if (track === undefined) return { path: undefined, warnings }
  if (tracks.length > 1)
    warnings.push(
      `The source has ${tracks.length} sound tracks; the ${track === tracks[0] ? 'first' : 'default'} one is in the result.`,
    )

  // 2. Its own packets, where they can be read and taken.
  if (takes.includes(track.codec) && (await readable(source, takes))) return { path: source, temporary: false, warnings }

  // 3. Else a file with the sound alone.
  const path = `${temporary}${format === 'mp4' ? '.mp4' : '.webm'}`
  const copy = takes.includes(track.codec)
  if (!copy && !(format === 'mp4' ? ffmpeg.can.aac : ffmpeg.can.opus)) {
    warnings.push(`The result has no sound: this ffmpeg cannot turn ${track.codec} into what ${format.toUpperCase()} takes.`)
    return { path: undefined, warnings }
  }
  const coder = format === 'mp4' ? ['aac', '-b:a', '192k'] : ['libopus', '-b:a', '128k']
  const window = copy || from === -Infinity ? [] : ['-af', `atrim=start=${from.toFixed(6)}:end=${to.toFixed(6)}`]
  const args = [
    '-nostdin',
    '-y',
    '-copyts',
    ...localOnly,
    '-i',
    inputName(source),
    '-map',
    `0:${track.index}`,
    '-vn',
    '-sn',
    '-dn',
  ]
  const exit = await runFfmpeg(ffmpeg.path, [...args, ...window, '-c:a', ...(copy ? ['copy'] : coder), inputName(path)], {
    signal,
  })
  if (!succeeded(exit)) {
    if (ranOutOfSpace(exit)) throw diskFull(path)
    warnings.push(`The result has no sound: the ${track.codec} track could not be read (${lastWords(exit)}).`)
    return { path: undefined, warnings }
  }
  if (!copy)
    warnings.push(`The sound was coded anew (${track.codec} to ${coder[0]}), because ${format.toUpperCase()} does not take it.`)
  return { path, temporary: true, warnings }
}

async function readable(path: string, takes: readonly string[]): Promise<boolean> {
  const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
  try {
    if (!(await input.canRead())) return false
    const track = await input.getPrimaryAudioTrack()
    const codec = await track?.getCodec()
    return codec !== undefined && codec !== null && takes.includes(codec) && (await track!.getDecoderConfig()) !== null
  } catch {
    return false
  } finally {
    input.dispose()
  }
}
