import type { Latent } from '../diffusion/denoiser.ts'
import { resizePlane } from '../image/resize.ts'
import { guideTowards } from '../guidance/guide.ts'
import { progressOf } from '../guidance/scheduled-weight.ts'
import { joinPainted, type SidedPrediction } from '../guidance/two-sided.ts'
import { toFloatImage, toFrame, type FloatImage, type Plane } from '../image/frame.ts'
import { isAbort } from '../errors.ts'
import type { Way } from '../flow/way.ts'
import { inSharedMemory } from '../thread-side.ts'
import { contentKey } from './content-key.ts'
import type { FootageFrame } from './footage.ts'
import { lookAhead } from './look-ahead.ts'
import { cropLatent, pastePicture, regionsToPaint, type Region } from './region.ts'
import { cropControls, type PaintControl } from './frame-controls.ts'
import type { FramePrompt } from './frame-prompt.ts'
import type { PaintWatch } from './painter.ts'
import { beginShot, createPaintNoise, keepOrPaint, promptOf, type AnimateRun, type PaintNoise } from './run.ts'
import { segments, type Segment } from './segment.ts'

/** Most frames from keyframe to keyframe: what is held in memory with its flows. */
const longest = 8
/** Mean trust of the way back below which another keyframe is painted. */
const leastTrust = 0.4
/** How strongly a keyframe is drawn to the one before it, and for which part of the run. */
const keyWeight = 0.6
const keyPart = 0.5
/** Latent cells around a part that is painted alone. */
const margin = 6
/** Share of the picture below which a hole is left as it was predicted. */
const least = 0.0015

/** A finished frame that others are made from. */
interface Key {
  readonly image: FloatImage
  readonly key: string
}

/**
 * Paints keyframes, and makes the frames between from the keyframe before and the one after, each moved once along the composed flow; only
 * what neither shows is painted. Nothing is ever made from a frame that was itself made from others, but keyframes, which are only drawn
 * to the one before in their early steps. A keyframe is painted beside the frames before the last one, so that the network always has
 * something to do. Memory: two segments, and one that is prepared.
 */
export async function byKeyframes(run: AnimateRun, footage: AsyncIterable<FootageFrame>): Promise<void> {
  const noiseOf = createPaintNoise(run)
  const told = run.prompts === undefined ? undefined : (item: FootageFrame) => promptOf(run, item)
  const parts = segments(footage, { analysis: run.analysis, longest, leastTrust, promptOf: told })
  const coming = lookAhead(parts, 1, (one) => Promise.resolve(one))
  let before: Key | undefined
  let betweens = Promise.resolve()
  try {
    for await (const segment of coming) {
      const noises = segment.frames.map(({ item }) => noiseOf(item))
      const hashes = segment.frames.map(({ item }) => item.hash)
      const noise = noises.at(-1)!
      const { item, toBefore } = segment.frames.at(-1)!
      beginShot(run, item)
      run.keyframes.push(item.frame.index)
      const anchor = toBefore === undefined ? undefined : before
      const key = contentKey(...run.identity, promptOf(run, item), 'key', hashes, noise.key, anchor?.key ?? null)
      const image = await keepOrPaint(run, item, key, (watch) => paintKey(run, { item, toBefore, anchor, noise, watch }))
      const after: Key = { image: inSharedMemory(toFloatImage(image)), key }
      await betweens
      betweens = paintBetweens(run, segment, { noises, hashes, before, after })
      betweens.catch(run.abandon)
      before = after
    }
    await betweens
  } catch (error) {
    run.abandon()
    // What failed first is what is told: the other may have been stopped by it.
    await betweens.catch((first: unknown) => {
      throw isAbort(error) ? first : error
    })
    throw error
  }
  run.frames.sort((a, b) => a.frame - b.frame)
}

interface Between {
  readonly noises: readonly PaintNoise[]
  readonly hashes: readonly string[]
  readonly before: Key | undefined
  readonly after: Key
}

/** The frames before the keyframe at the end; while one is painted, the next is predicted. What neither keyframe shows is painted once and
 * carried from frame to frame. */
async function paintBetweens(run: AnimateRun, segment: Segment, { noises, hashes, before, after }: Between): Promise<void> {
  const last = segment.frames.length - 1
  if (before === undefined) return
  let previous: Key | undefined
  let ahead: { readonly n: number; readonly prediction: Promise<SidedPrediction> } | undefined
  for (let n = 0; n < last; n++) {
    const { item } = segment.frames[n]!
    const parents = [before.key, after.key, previous?.key ?? null]
    const key = contentKey(...run.identity, promptOf(run, item), 'between', n, hashes, noises[n]!.key, ...parents)
    const image = await keepOrPaint(run, item, key, async (watch) => {
      const sided = await (ahead?.n === n ? ahead.prediction : predictBetween(run, segment, n, [before, after]))
      ahead = n + 1 < last ? { n: n + 1, prediction: predictBetween(run, segment, n + 1, [before, after]) } : undefined
      ahead?.prediction.catch(() => undefined)
      const { backward, trust } = item.motion!
      const prediction =
        previous === undefined ? sided : await run.analysis.fillFromPrevious(sided, previous.image, { flow: backward, trust })
      return paintBetween(run, item, prediction, noises[n]!, watch)
    })
    previous = { image: inSharedMemory(toFloatImage(image)), key }
  }
}

interface KeyJob {
  readonly item: FootageFrame
  readonly toBefore: Way | undefined
  /** The keyframe before, of the same shot. */
  readonly anchor: Key | undefined
  readonly noise: PaintNoise
  readonly watch: PaintWatch
}

async function paintKey(
  run: AnimateRun,
  { item, toBefore, anchor, noise, watch }: KeyJob,
): Promise<{ image: FloatImage; painted: number }> {
  const { painter, analysis, settings, signal } = run
  const [source, controls, prediction] = await Promise.all([
    painter.encode(item.frame.image, signal),
    run.controlsOf(item),
    anchor && toBefore && analysis.predictFromAnchors([{ image: anchor.image, way: toBefore, nearness: 1 }]),
  ])
  const request = { source, prompt: promptOf(run, item), controls, noise: noise.start, stepNoise: noise.step, signal, watch }
  if (prediction === undefined) return { image: await painter.decode(await painter.paint(request), { signal }), painted: 1 }
  const { image, coverage } = prediction
  const k0 = await painter.encode(toFrame(image), signal)
  const cells = onCells(coverage, painter.shape)
  const progress = progressOf(painter.run)
  const weights = cells.map((value) => keyWeight * value)
  const until = 1 - settings.strength * (1 - keyPart)
  const latent = await painter.paint({
    ...request,
    steer: (denoise) => guideTowards(k0, (sigma) => (progress(sigma) <= until ? weights : 0), denoise),
  })
  return { image: await painter.decode(latent, { signal }), painted: 1 }
}

function predictBetween(
  { analysis }: AnimateRun,
  segment: Segment,
  n: number,
  [before, after]: readonly [Key, Key],
): Promise<SidedPrediction> {
  const { toBefore, toAfter } = segment.frames[n]!
  const passed = (n + 1) / segment.frames.length
  return analysis.predictFromAnchors([
    { image: before.image, way: toBefore!, nearness: 1 - passed },
    { image: after.image, way: toAfter!, nearness: passed },
  ])
}

async function paintBetween(
  run: AnimateRun,
  item: FootageFrame,
  prediction: SidedPrediction,
  noise: PaintNoise,
  watch: PaintWatch,
): Promise<{ image: FloatImage; painted: number }> {
  const { painter, model, signal, onDebug } = run
  if (onDebug !== undefined) {
    await onDebug('raw', item.frame.index, { image: item.frame.image })
    await onDebug('warped', item.frame.index, { image: prediction.image })
    await onDebug('flow', item.frame.index, { flow: item.motion!.backward })
    await onDebug('weight', item.frame.index, { plane: prediction.coverage })
  }
  const regions = regionsToPaint(prediction.coverage, { cell: model.scale, margin, least })
  if (regions.length === 0) return { image: prediction.image, painted: 0 }
  const [source, controls, k0] = await Promise.all([
    painter.encode(item.frame.image, signal),
    run.controlsOf(item),
    painter.encode(toFrame(prediction.image), signal),
  ])
  const kept = onCells(prediction.coverage, painter.shape)
  let whole = prediction.image
  let cells = 0
  for (const region of regions) {
    const job = {
      source,
      prompt: promptOf(run, item),
      controls: cropControls(controls, region, model.scale),
      k0,
      kept,
      noise,
      region,
    }
    const painted = await paintHoles({ painter, signal }, job, watch)
    whole = pastePicture(whole, painted, region.x * model.scale, region.y * model.scale)
    cells += region.width * region.height
  }
  return {
    image: joinPainted(prediction.image, prediction.coverage, whole),
    painted: cells / (painter.shape.width * painter.shape.height),
  }
}

interface HoleJob {
  readonly source: Latent
  readonly prompt: FramePrompt
  /** Of the region. */
  readonly controls: readonly PaintControl[]
  readonly k0: Latent
  /** Coverage on the latent grid. */
  readonly kept: Float32Array
  readonly noise: PaintNoise
  readonly region: Region
}

/** Paints a part of a frame in few steps, held to the prediction where that is to be kept. */
async function paintHoles(
  { painter, signal }: Pick<AnimateRun, 'painter' | 'signal'>,
  { source, prompt, controls, k0, kept, noise, region }: HoleJob,
  watch: PaintWatch,
): Promise<FloatImage> {
  const { shape } = painter
  const part = { ...shape, width: region.width, height: region.height }
  const crop = (latent: Latent): Latent => cropLatent(latent, shape, region)
  const weights = cropLatent(kept, { ...shape, channels: 1 }, region)
  const target = crop(k0)
  const latent = await painter.paint({
    source: crop(source),
    prompt,
    controls,
    noise: crop(noise.start),
    stepNoise: (step, draw) => crop(noise.step(step, draw)),
    shape: part,
    run: painter.shortRun,
    steer: (denoise) => guideTowards(target, () => weights, denoise),
    signal,
    watch,
  })
  return painter.decode(latent, { shape: part, signal })
}

/** Coverage on the latent grid: what is not wholly kept is not held. */
function onCells(coverage: Plane, { width, height }: { readonly width: number; readonly height: number }): Float32Array {
  return resizePlane(coverage, width, height).data
}
