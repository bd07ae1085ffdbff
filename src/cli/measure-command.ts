import { OfgenError } from '../errors.ts'
import { farnebackEstimator } from '../flow/farneback.ts'
import { writeWholeFile } from '../image/whole-file.ts'
import { measureTable } from '../measure/measure-table.ts'
import { measure } from '../measure/measure.ts'
import { renderReport } from '../measure/report.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { openSource } from '../video/open-source.ts'
import type { RunContext } from './run-events.ts'

interface MeasureFlags {
  readonly against?: readonly string[]
  readonly report?: string
  readonly fps: number
  readonly ffmpeg?: string
}

/** `ofgen measure <source> <result>` */
export function measureCommand(context: RunContext): (source: string, result: string, flags: MeasureFlags) => Promise<void> {
  return async (sourcePath, resultPath, { against = [], report, fps, ffmpeg }) => {
    if (!(fps > 0)) throw new OfgenError('option_invalid', '--fps must be a number above 0.', { hint: 'For example: --fps 24' })
    const opened: FrameSource[] = []
    const open = async (path: string): Promise<FrameSource> => {
      const one = await openSource(path, { frameRate: fps, ffmpeg, signal: context.signal })
      opened.push(one)
      return one
    }
    const judge = farnebackEstimator()
    try {
      const source = await open(sourcePath)
      const result = await open(resultPath)
      const [baseline, ...others] = await Promise.all(against.map(open))
      const measures = await measure({
        source,
        result,
        baseline,
        others: others.map((video, i) => ({ name: against[i + 1]!, video })),
        flow: judge,
        onProgress: (frames) => {
          if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2Kmeasured ${frames}${frameCount(source)} frames`)
        },
        signal: context.signal,
      })
      if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K')
      process.stdout.write(context.json ? JSON.stringify(measures) + '\n' : measureTable(measures))
      if (report !== undefined) {
        const page = await renderReport({ measures, source, result, baseline, signal: context.signal })
        await writeWholeFile(report, Buffer.from(page))
        if (!context.json) process.stdout.write(`report       ${report}\n`)
      }
    } finally {
      for (const one of opened) await one.close()
      await judge.close()
    }
  }
}

function frameCount({ info }: FrameSource): string {
  return info.frameCount === undefined ? '' : `/${info.frameCount}`
}
