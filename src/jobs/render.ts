import { basename, extname, join, resolve } from 'node:path'
import { startAnalysis } from '../animate/analysis.ts'
import { animate, type AnimateOptions, type AnimateResult } from '../animate/animate.ts'
import { contentKey } from '../animate/content-key.ts'
import type { FrameRecord, RenderEvent } from '../animate/events.ts'
import { createOutbox, meanwhile } from '../animate/outbox.ts'
import type { FrameControl } from '../animate/frame-controls.ts'
import type { PromptPlan } from '../animate/prompt-file.ts'
import { OfgenError } from '../errors.ts'
import { flowWorkers } from '../flow/flow-workers.ts'
import type { FlowEstimator } from '../flow/flow.ts'
import type { GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import { trySchedule } from '../guidance/load-schedule.ts'
import { locateModel } from '../models/find-model.ts'
import { locateFile, type FileKind, type LocateFileOptions } from '../models/locate-file.ts'
import type { LoraTag } from '../prompt/lora-tags.ts'
import type { Settings } from '../settings.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import { openModel } from '../stable-diffusion/open-model.ts'
import { fitted } from '../video/fit.ts'
import type { FrameRange, FrameSource } from '../video/frame-source.ts'
import { openSource } from '../video/open-source.ts'
import { checkRange, parseRange } from '../video/range.ts'
import { inRange } from '../video/in-range.ts'
import { atRate } from '../video/resample.ts'
import { comingFrames } from './coming-frames.ts'
import { compareRender } from './compare.ts'
import { controlNetFiles, openControls, parseControlOption, type ControlChoice } from './choose-controls.ts'
import { locateLoras, takeLoras } from './choose-loras.ts'
import { locateVae } from './choose-vae.ts'
import { debugWriter } from './debug-pictures.ts'
import { closeRender, failureOf, openRenderFolder, type Manifest, type RenderFolder } from './render-folder.ts'
import { openPrompts } from './open-prompts.ts'
import { openSchedule } from './open-schedule.ts'
import { resolveSettings, type Resolved } from './resolve.ts'
import { resultFrames } from './result-frames.ts'
import { writeSmoothed } from './write-smoothed.ts'
import { writeVideo, type VideoPlan } from './write-video.ts'

export interface RenderOptions {
  /** Video file, image folder or pattern. */
  readonly input: string
  readonly output: string
  readonly settings: Settings
  /** Of ofgen; goes into the manifest. */
  readonly version: string
  readonly signal?: AbortSignal | undefined
}

export interface RenderSourceOptions extends Omit<RenderOptions, 'input'> {
  readonly source: FrameSource
  /** Names the video that is written. */
  readonly name: string
  /** File whose sound goes into the result. */
  readonly audio: string | undefined
  /** A model that is open already; it stays open. */
  readonly model?: DiffusionModel
}

export interface RenderResult extends AnimateResult {
  readonly folder: string
  readonly video: string | undefined
}

/** Restyles a video into a folder. Everything that can be wrong with the input is found before the folder is touched. */
export async function* render(options: RenderOptions): AsyncGenerator<RenderEvent, RenderResult, undefined> {
  const { input, settings, signal } = options
  const opened = await openSource(input, {
    ...(settings.ffmpeg === undefined ? {} : { ffmpeg: settings.ffmpeg }),
    ...(settings.fps === undefined ? {} : { frameRate: settings.fps }),
    ...(signal === undefined ? {} : { signal }),
  })
  try {
    return yield* renderSource({
      ...options,
      source: opened,
      name: nameOf(input),
      audio: opened.info.hasAudio ? input : undefined,
    })
  } finally {
    await opened.close()
  }
}

/** `render` for frames that come from elsewhere. */
export async function* renderSource(options: RenderSourceOptions): AsyncGenerator<RenderEvent, RenderResult, undefined> {
  const { settings, loras } = takeLoras(options.settings)
  const { signal } = options
  const output = resolve(options.output)

  // 1. What is to be done: controls, range, schedule, model, size.
  const choices = (settings.control ?? []).map(parseControlOption)
  if (options.model !== undefined && loras.length > 0)
    throw new OfgenError('option_invalid', 'LoRAs cannot be merged into a model that is open already.', {
      hint: 'Give them to openModel.',
    })
  if (options.model !== undefined && choices.length > options.model.controlNets.length)
    throw new OfgenError(
      'option_invalid',
      `--control needs ${choices.length} ControlNets, the open model has ${options.model.controlNets.length}.`,
      {
        hint: 'Give them to openModel, in the same order.',
      },
    )
  const range = settings.range === undefined ? undefined : parseRange(settings.range)
  if (range !== undefined) checkRange(range, options.source.info)
  const schedule = settings.schedule === undefined ? undefined : await openSchedule(settings.schedule)
  const model = options.model ?? (yield* openChosen(settings, { loras, choices }, signal))
  try {
    const resolved = resolveSettings(settings, model, options.source.info)
    if (schedule !== undefined) trySchedule(schedule.weights, resolved)
    const source = prepared(options.source, settings, resolved, range)
    const prompts =
      settings.promptFile === undefined
        ? undefined
        : await openPrompts(settings.promptFile, { settings, resolved, model, info: source.info })
    const maps = await openControls(choices, (one) => prepared(one, settings, resolved, range), {
      ffmpeg: settings.ffmpeg,
      frameRate: options.source.info.frameRate,
      frames: source.info.frameCount,
    })
    const flow = flowWorkers({ method: { name: resolved.flow } })
    try {
      return yield* renderInto(
        output,
        { ...options, source, audioRange: range !== undefined },
        { resolved, model, flow, schedule, prompts, controls: maps.controls },
      )
    } finally {
      await flow.close()
      await maps.close()
    }
  } finally {
    if (options.model === undefined) await model.close()
  }
}

async function* openChosen(
  settings: Settings,
  { loras, choices }: { readonly loras: readonly LoraTag[]; readonly choices: readonly ControlChoice[] },
  signal: AbortSignal | undefined,
): AsyncGenerator<RenderEvent, DiffusionModel, undefined> {
  const path = yield* locateModel(settings.model, { modelsDir: settings.modelsDir, variant: settings.variant, signal })
  const { clipSkip, prediction, zeroSnr, loraDir } = settings
  const { threads, device, cache, lowMemory, vaeTile } = settings
  const where = { model: path, modelsDir: settings.modelsDir, signal }
  return openModel(path, {
    vae: settings.vae === undefined ? undefined : yield* locateVae(settings.vae, where),
    clipSkip,
    prediction,
    zeroSnr,
    threads,
    device,
    cache,
    lowMemory,
    vaeTile,
    loras: yield* locateLoras(loras, { ...where, first: loraDir }),
    embeddings: yield* locateAll(settings.embedding ?? [], embeddingFiles, where),
    controlNets: yield* locateAll(
      choices.map(({ name }) => name),
      controlNetFiles,
      where,
    ),
    signal,
  })
}

/** How embeddings are found. */
const embeddingFiles: FileKind = {
  what: 'embedding',
  folders: ['embeddings'],
  endings: ['.safetensors', '.pt', '.bin'],
  usual: 'learned_embeds.safetensors',
}

async function* locateAll(
  names: readonly string[],
  kind: FileKind,
  options: LocateFileOptions,
): AsyncGenerator<RenderEvent, string[], undefined> {
  const paths: string[] = []
  for (const name of names) paths.push(yield* locateFile(name, kind, options))
  return paths
}

interface Parts {
  readonly resolved: Resolved
  readonly model: DiffusionModel
  readonly flow: FlowEstimator
  readonly schedule: { readonly id: string; readonly weights: GuidanceSchedule } | undefined
  readonly prompts: PromptPlan | undefined
  readonly controls: readonly FrameControl[]
}

async function* renderInto(
  output: string,
  options: RenderSourceOptions & { readonly audioRange: boolean },
  { resolved, model, flow, schedule, prompts, controls }: Parts,
): AsyncGenerator<RenderEvent, RenderResult, undefined> {
  const { source, settings, signal } = options

  // 2. The folder, which may hold a part of this render.
  const manifest = manifestOf(options, resolved, model, { schedule: schedule?.id, prompts: prompts?.id })
  const folder = await openRenderFolder(output, manifest, { overwrite: settings.overwrite })
  let last: Partial<Manifest> = { state: 'failed' }
  try {
    yield {
      type: 'start',
      frames: source.info.frameCount,
      width: resolved.width,
      height: resolved.height,
      output,
      source: source.info.path,
      model: model.name,
      method: resolved.method,
      prompt: resolved.prompt,
      resumed: folder.found,
    }

    for (const message of model.warnings) yield { type: 'warning', message }

    // 3. The frames.
    const { smooth, ...painting } = resolved
    const onDebug = settings.debug ? debugWriter(output) : undefined
    const paint = { source, model, flow, settings: painting, schedule, prompts, controls, onDebug, signal }
    yield { type: 'stage', stage: 'paint', frames: source.info.frameCount }
    const result = yield* smooth === 0
      ? animate({ ...paint, store: folder })
      : paintAndSmooth(paint, { folder, reach: smooth, manifest })
    yield { type: 'written', what: 'frames', path: join(output, 'converted_%06d.png') }
    for (const message of source.warnings) yield { type: 'warning', message }

    // 4. The video.
    const video: VideoPlan = {
      format: settings.format === 'none' ? 'mp4' : settings.format,
      crf: settings.crf,
      frameRate: source.info.frameRate,
      audio: options.audio,
      excerpt: options.audioRange,
      ffmpeg: settings.ffmpeg,
      signal,
    }
    let path: string | undefined
    if (settings.format !== 'none') {
      yield { type: 'stage', stage: 'video', frames: result.frames.length }
      path = join(output, `${options.name}.${settings.format}`)
      const frames = resultFrames((frame) => folder.framePath(frame), result.frames, source.info).frames()
      for (const message of await writeVideo(frames, path, video)) yield { type: 'warning', message }
      yield { type: 'written', what: 'video', path }
    }

    // 5. The comparison.
    if (settings.compare)
      yield* compareRender({
        source,
        model,
        flow,
        folder,
        result,
        settings: painting,
        prompts,
        controls,
        manifest,
        video,
        signal,
      })
    last = { state: 'done', frames: result.frames.length }
    return { ...result, folder: output, video: path }
  } catch (error) {
    last = failureOf(error)
    throw error
  } finally {
    await closeRender(folder, { ...manifest, ...last })
  }
}

/**
 * The frames as they are painted go into `painted/`, so that nothing is lost where the smoothing changes; the folder gets the smoothed ones, each
 * as soon as the frames around it are there.
 */
async function* paintAndSmooth(
  paint: Omit<AnimateOptions, 'store'>,
  { folder, reach, manifest }: { readonly folder: RenderFolder; readonly reach: number; readonly manifest: Manifest },
): AsyncGenerator<RenderEvent, AnimateResult, undefined> {
  const stop = new AbortController()
  const signal = paint.signal === undefined ? stop.signal : AbortSignal.any([paint.signal, stop.signal])
  const paintedManifest = { ...manifest, render: `${manifest.render}-painted` }
  const painted = await openRenderFolder(join(folder.path, 'painted'), paintedManifest, { overwrite: true })
  let last: Partial<Manifest> = { state: 'failed' }
  const outbox = createOutbox()
  const analysis = startAnalysis(signal)
  const frames = comingFrames((frame) => painted.framePath(frame))

  const painting = async (): Promise<AnimateResult> => {
    const events = animate({ ...paint, store: painted, onFootage: (item) => frames.read(item), signal })
    for (;;) {
      const next = await events.next()
      if (next.done === true) {
        frames.end()
        return next.value
      }
      // A frame is reported when it is smoothed.
      if (next.value.type === 'frame') frames.made(next.value.frame)
      else outbox.put(next.value)
    }
  }
  const smoothing = async (): Promise<void> => {
    const recordOf = (frame: number): FrameRecord => painted.record(frame)!
    for await (const event of writeSmoothed(frames.pairs, { analysis, reach, folder, recordOf, signal })) outbox.put(event)
  }
  const halves = [painting(), smoothing()] as const
  // Where one fails, the other must not go on for hours.
  for (const half of halves)
    half.catch((error: unknown) => {
      frames.fail(error)
      stop.abort()
    })
  try {
    const result = yield* meanwhile(
      outbox,
      Promise.all(halves).then(([made]) => made),
    )
    last = { state: 'done', frames: result.frames.length }
    return result
  } catch (error) {
    last = failureOf(error)
    throw error
  } finally {
    stop.abort()
    await Promise.allSettled(halves)
    await analysis.close()
    await closeRender(painted, { ...paintedManifest, ...last })
  }
}

/** The part of the source that is rendered, at the rate and size it is rendered at. */
function prepared(source: FrameSource, settings: Settings, resolved: Resolved, range: FrameRange | undefined): FrameSource {
  const rated = settings.fps === undefined ? source : atRate(source, settings.fps)
  return fitted(range === undefined ? rated : inRange(rated, range), resolved)
}

function manifestOf(
  options: RenderSourceOptions,
  resolved: Resolved,
  model: DiffusionModel,
  ids: { readonly schedule: string | undefined; readonly prompts: string | undefined },
): Manifest {
  const { settings, source, version } = options
  return {
    version,
    state: 'rendering',
    render: contentKey(
      resolved,
      model.hash,
      ids.schedule ?? null,
      ids.prompts ?? null,
      resolve(source.info.path),
      settings.fps ?? null,
      settings.range ?? null,
      ...(settings.control ?? []),
    ),
    source: { path: source.info.path, description: source.info.description },
    model: { name: model.name, hash: model.hash },
    size: { width: resolved.width, height: resolved.height },
    settings,
    resolved,
    started: new Date().toISOString(),
  }
}

/** `clips/dance.mp4` to `dance`; a pattern or folder to the folder's name. */
function nameOf(input: string): string {
  const base = basename(input.includes('%') ? join(input, '..') : resolve(input))
  return basename(base, extname(base)) || 'video'
}
