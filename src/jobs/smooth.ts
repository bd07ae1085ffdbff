import { basename, extname, join, resolve } from 'node:path'
import { startAnalysis } from '../animate/analysis.ts'
import { contentKey } from '../animate/content-key.ts'
import type { RenderEvent } from '../animate/events.ts'
import { readFootage } from '../animate/footage.ts'
import { paired } from '../animate/smooth.ts'
import { OfgenError } from '../errors.ts'
import { flowWorkers } from '../flow/flow-workers.ts'
import type { Measures } from '../measure/measures.ts'
import { fitted } from '../video/fit.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { inRange } from '../video/in-range.ts'
import { openSource } from '../video/open-source.ts'
import { checkRange, parseRange } from '../video/range.ts'
import { closeRender, failureOf, openRenderFolder, type Manifest } from './render-folder.ts'
import { resultFrames } from './result-frames.ts'
import { writeReport } from './write-report.ts'
import { writeSmoothed } from './write-smoothed.ts'
import { writeVideo } from './write-video.ts'

export interface SmoothJob {
  /** The video that the frames were made from. */
  readonly source: string
  /** The frames: a video, a folder of images or a pattern. */
  readonly frames: string
  readonly output: string
  /** Frames to either side that each is averaged with, 1 to 8. */
  readonly reach: number
  /** The part of the source that the frames were made from, for example `2s..5s`. */
  readonly range: string | undefined
  /** Of image folders. */
  readonly frameRate: number
  readonly ffmpeg: string | undefined
  readonly version: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Steadies frames of any tool along the motion of their source, and measures them before and after: no model is needed. Frames that the
 * folder holds already are kept.
 *
 * @returns The figures, as ratios to the frames as they were given.
 * @throws OfgenError option_invalid if the lengths differ; whatever opening the videos and the folder throws.
 */
export async function* smoothVideo(job: SmoothJob): AsyncGenerator<RenderEvent, Measures, undefined> {
  const { reach, ffmpeg, signal } = job
  if (!Number.isInteger(reach) || reach < 1 || reach > 8)
    throw new OfgenError('option_invalid', `--reach must be a whole number from 1 to 8, got ${reach}.`, {
      hint: 'More is steadier and slower; 4 is usual.',
    })
  const open = (path: string): Promise<FrameSource> => openSource(path, { frameRate: job.frameRate, ffmpeg, signal })
  const given = await open(job.frames)
  try {
    const opened = await open(job.source)
    try {
      const range = job.range === undefined ? undefined : parseRange(job.range)
      if (range !== undefined) checkRange(range, opened.info)
      const source = fitted(range === undefined ? opened : inRange(opened, range), given.info)
      return yield* smoothInto(job, source, given)
    } finally {
      await opened.close()
    }
  } finally {
    await given.close()
  }
}

async function* smoothInto(
  job: SmoothJob,
  source: FrameSource,
  given: FrameSource,
): AsyncGenerator<RenderEvent, Measures, undefined> {
  const output = resolve(job.output)
  const { width, height } = given.info
  const settings = { reach: job.reach }
  const manifest: Manifest = {
    version: job.version,
    state: 'rendering',
    render: contentKey('smooth', settings, resolve(job.source), resolve(job.frames), job.range ?? null, width, height),
    source: { path: job.source, description: source.info.description },
    model: { name: 'none', hash: 'none' },
    size: { width, height },
    settings,
    resolved: { ...settings, frames: resolve(job.frames) },
    started: new Date().toISOString(),
  }
  const folder = await openRenderFolder(output, manifest, { overwrite: false })
  const flow = flowWorkers()
  const analysis = startAnalysis(job.signal)
  let last: Partial<Manifest> = { state: 'failed' }
  try {
    const frames = given.info.frameCount ?? source.info.frameCount
    yield {
      type: 'start',
      frames,
      width,
      height,
      output,
      source: job.source,
      model: 'none',
      method: 'smooth',
      prompt: '',
      resumed: folder.found,
    }
    yield { type: 'stage', stage: 'smooth', frames }
    const recordOf = (): { prompt: string; seed: number; evaluations: number; painted: number; seconds: number } => ({
      prompt: '',
      seed: 0,
      evaluations: 0,
      painted: 0,
      seconds: 0,
    })
    const { reach, signal } = job
    const footage = readFootage(source, { flow, analysis, signal })
    const places = yield* writeSmoothed(paired(footage, given, signal), { analysis, reach, folder, recordOf, signal })
    yield { type: 'written', what: 'frames', path: join(output, 'converted_%06d.png') }

    yield { type: 'stage', stage: 'video', frames: places.length }
    const result = resultFrames((frame) => folder.framePath(frame), places, source.info)
    const path = join(output, `${basename(job.source, extname(job.source))}.mp4`)
    const sound = source.info.hasAudio ? job.source : undefined
    const plan = {
      format: 'mp4',
      crf: 18,
      frameRate: source.info.frameRate,
      audio: sound,
      excerpt: job.range !== undefined,
    } as const
    for (const message of await writeVideo(result.frames(), path, { ...plan, ffmpeg: job.ffmpeg, signal: job.signal }))
      yield { type: 'warning', message }
    yield { type: 'written', what: 'video', path }

    const measures = yield* writeReport({
      folder: output,
      count: places.length,
      source,
      result,
      baseline: given,
      renderedWith: flow.id,
      title: job.source,
      signal: job.signal,
    })
    last = { state: 'done', frames: places.length }
    return measures
  } catch (error) {
    last = failureOf(error)
    throw error
  } finally {
    await analysis.close()
    await flow.close()
    await closeRender(folder, { ...manifest, ...last })
  }
}
