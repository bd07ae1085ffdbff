import { OfgenError } from '../errors.ts'
import { smoothVideo } from '../jobs/smooth.ts'
import { measureTable } from '../measure/measure-table.ts'
import { runEvents, type RunContext } from './run-events.ts'

interface SmoothFlags {
  readonly output?: string
  readonly reach: number
  readonly range?: string
  readonly fps: number
  readonly ffmpeg?: string
}

/** `ofgen smooth <source> <frames> -o <folder>` */
export function smoothCommand(context: RunContext): (source: string, frames: string, flags: SmoothFlags) => Promise<void> {
  return async (source, frames, { output, reach, range, fps, ffmpeg }) => {
    if (output === undefined)
      throw new OfgenError('option_invalid', 'No output folder was given.', {
        hint: `Add -o and a folder, for example: ofgen smooth ${source} ${frames} -o steady`,
      })
    if (!(fps > 0)) throw new OfgenError('option_invalid', '--fps must be a number above 0.', { hint: 'For example: --fps 24' })
    const { signal, version } = context
    const job = { source, frames, output, reach, range, frameRate: fps, ffmpeg, version, signal }
    const measures = await runEvents(smoothVideo(job), context)
    process.stdout.write(context.json ? JSON.stringify({ type: 'measures', measures }) + '\n' : '\n' + measureTable(measures))
  }
}
