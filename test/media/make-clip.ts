import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFfmpeg } from '../../src/video/ffmpeg/find-ffmpeg.ts'
import { runFfmpeg } from '../../src/video/ffmpeg/run-ffmpeg.ts'

/** A moving test picture and a tone, as ffmpeg inputs. */
export const picture = (seconds: number, rate = 10, size = '64x48'): string[] => {
  return ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`]
}
export const tone = (seconds: number): string[] => [
  '-f',
  'lavfi',
  '-i',
  `sine=frequency=440:duration=${seconds}:sample_rate=44100`,
]
/** H.264 that every build writes. */
export const h264: readonly string[] = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']

/** Stands for the option by which this ffmpeg keeps every frame and its time. */
export const everyFrame = '(every frame)'

/** Runs the ffmpeg that the tests run with; `args` ends with the file's name inside `folder`. Returns its path. */
export async function makeClip(folder: string, name: string, args: readonly string[], input?: Uint8Array): Promise<string> {
  const ffmpeg = await findFfmpeg()
  const path = join(folder, name)
  const exit = await runFfmpeg(
    ffmpeg.path,
    ['-y', ...args.flatMap((arg) => (arg === everyFrame ? ffmpeg.passthrough : [arg])), path],
    input ? { input } : {},
  )
  if (exit.code !== 0) throw new Error(`ffmpeg could not make ${name}: ${exit.errors.join(' | ')}`)
  return path
}

/** The first `share` of a file's bytes, as another file. */
export async function cutFile(path: string, to: string, share: number): Promise<string> {
  const bytes = await readFile(path)
  await writeFile(to, bytes.subarray(0, Math.floor(bytes.length * share)))
  return to
}
