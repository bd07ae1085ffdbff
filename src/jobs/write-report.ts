import { join } from 'node:path'
import type { RenderEvent } from '../animate/events.ts'
import { farnebackEstimator } from '../flow/farneback.ts'
import { writeWholeFile } from '../image/whole-file.ts'
import { measure, type MeasureOptions } from '../measure/measure.ts'
import type { Measures } from '../measure/measures.ts'
import { renderReport, type ReportOptions } from '../measure/report.ts'

export interface ReportPlan
  extends Omit<MeasureOptions, 'flow' | 'others' | 'onProgress'>, Pick<ReportOptions, 'title' | 'settings'> {
  /** Folder that gets the `report.html`. */
  readonly folder: string
  /** Frames that are measured. */
  readonly count: number
}

/** Measures a result against its baseline, by another flow than any render's own, and writes the report. */
export async function* writeReport(plan: ReportPlan): AsyncGenerator<RenderEvent, Measures, undefined> {
  const { folder, count, title, settings, ...what } = plan
  const { source, result, baseline, signal } = what
  yield { type: 'stage', stage: 'measure', frames: count }
  const judge = farnebackEstimator()
  try {
    const measures = await measure({ ...what, flow: judge })
    const page = await renderReport({ measures, source, result, baseline, title, settings, signal })
    const path = join(folder, 'report.html')
    await writeWholeFile(path, Buffer.from(page))
    yield { type: 'written', what: 'report', path }
    return measures
  } finally {
    await judge.close()
  }
}
