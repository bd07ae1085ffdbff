import { setImmediate } from 'node:timers/promises'
import type { Latent } from '../diffusion/denoiser.ts'
import { resizePlane } from '../image/resize.ts'
import { guideTowards } from '../guidance/guide.ts'
import { progressOf } from '../guidance/scheduled-weight.ts'
import { joinPainted, predictFromAnchors, type SidedPrediction } from '../guidance/two-sided.ts'
import { toFloatImage, type FloatImage, type Plane } from '../image/frame.ts'
import { contentKey } from './content-key.ts'
import type { RenderEvent } from './events.ts'
import type { FootageFrame } from './footage.ts'
import { lookAhead } from './look-ahead.ts'
import { cropLatent, pastePicture, regionsToPaint, type Region } from './region.ts'
import { beginShot, createPaintNoise, keepOrPaint, type AnimateRun, type PaintNoise } from './run.ts'
import { segments, type Segment, type SegmentFrame } from './segment.ts'

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

/** A finished keyframe. */
interface Key {
  readonly image: FloatImage
  readonly key: string
}

/**
 * Paints keyframes, and makes the frames between from the keyframe before and the one after, each moved once along the composed flow; only
 * what neither shows is painted. Nothing is ever made from a frame that was itself made from others, but keyframes, which are only drawn
 * to the one before in their early steps.
 */
export async function* byKeyframes(
  run: AnimateRun,
  footage: AsyncIterable<FootageFrame>,
): AsyncGenerator<RenderEvent, void, undefined> {
  const noiseOf = createPaintNoise(run)
  let before: Key | undefined
  for await (const segment of lookAhead(segments(footage, { longest, leastTrust }), 1, (one) => Promise.resolve(one))) {
    const noises = segment.frames.map(({ item }) => noiseOf(item))
    const hashes = segment.frames.map(({ item }) => item.hash)
    const last = segment.frames.length - 1
    const end = segment.frames[last]!
    yield* beginShot(run, end.item)

    // 1. The keyframe at the end.
    run.keyframes.push(end.item.frame.index)
    const anchored = end.toBefore === undefined ? undefined : before
    const key = contentKey(...run.identity, 'key', hashes, noises[last]!.key, anchored?.key ?? null)
    const image = yield* keepOrPaint(run, end.item, key, (onStep) => paintKey(run, end, noises[last]!, anchored, onStep))
    const after: Key = { image: toFloatImage(image), key }

    // 2. The frames before it; while one is painted, the next is predicted.
    let ahead: { readonly n: number; readonly prediction: Promise<SidedPrediction> } | undefined
    for (let n = 0; n < last; n++) {
      const { item } = segment.frames[n]!
      const ownKey = contentKey(...run.identity, 'between', n, hashes, noises[n]!.key, before!.key, after.key)
      yield* keepOrPaint(run, item, ownKey, async (onStep) => {
        const keys = [before!, after] as const
        const prediction = await (ahead?.n === n ? ahead.prediction : predictBetween(segment, n, keys))
        ahead = n + 1 < last ? { n: n + 1, prediction: predictBetween(segment, n + 1, keys) } : undefined
        return paintBetween(run, item, prediction, noises[n]!, onStep)
      })
    }
    before = after
  }
  run.frames.sort((a, b) => a.frame - b.frame)
}

async function paintKey(
  { painter, settings, signal }: AnimateRun,
  { item, toBefore }: SegmentFrame,
  noise: PaintNoise,
  before: Key | undefined,
  onStep: (step: number) => void,
): Promise<{ image: FloatImage; painted: number }> {
  const source = await painter.encode(item.frame.image, signal)
  const request = { source, noise: noise.start, stepNoise: noise.step, signal, onStep }
  if (before === undefined || toBefore === undefined)
    return { image: await painter.decode(await painter.paint(request), { signal }), painted: 1 }
  const { image, coverage } = predictFromAnchors([{ image: before.image, track: toBefore, nearness: 1 }])
  const k0 = await painter.encode(image, signal)
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

async function predictBetween(segment: Segment, n: number, [before, after]: readonly [Key, Key]): Promise<SidedPrediction> {
  await setImmediate()
  const { toBefore, toAfter } = segment.frames[n]!
  const passed = (n + 1) / segment.frames.length
  return predictFromAnchors([
    { image: before.image, track: toBefore!, nearness: 1 - passed },
    { image: after.image, track: toAfter!, nearness: passed },
  ])
}

async function paintBetween(
  { painter, model, signal, onDebug }: AnimateRun,
  item: FootageFrame,
  prediction: SidedPrediction,
  noise: PaintNoise,
  onStep: (step: number) => void,
): Promise<{ image: FloatImage; painted: number }> {
  if (onDebug !== undefined) {
    await onDebug('raw', item.frame.index, { image: item.frame.image })
    await onDebug('warped', item.frame.index, { image: prediction.image })
    await onDebug('flow', item.frame.index, { flow: item.motion!.backward })
    await onDebug('weight', item.frame.index, { plane: prediction.coverage })
  }
  const regions = regionsToPaint(prediction.coverage, { cell: model.scale, margin, least })
  if (regions.length === 0) return { image: prediction.image, painted: 0 }
  const source = await painter.encode(item.frame.image, signal)
  const k0 = await painter.encode(prediction.image, signal)
  const kept = onCells(prediction.coverage, painter.shape)
  let whole = prediction.image
  let cells = 0
  for (const region of regions) {
    const painted = await paintHoles({ painter, signal }, { source, k0, kept, noise, region }, onStep)
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
  readonly k0: Latent
  /** Coverage on the latent grid. */
  readonly kept: Float32Array
  readonly noise: PaintNoise
  readonly region: Region
}

/** Paints a part of a frame in few steps, held to the prediction where that is to be kept. */
async function paintHoles(
  { painter, signal }: Pick<AnimateRun, 'painter' | 'signal'>,
  { source, k0, kept, noise, region }: HoleJob,
  onStep: (step: number) => void,
): Promise<FloatImage> {
  const { shape } = painter
  const part = { ...shape, width: region.width, height: region.height }
  const crop = (latent: Latent): Latent => cropLatent(latent, shape, region)
  const weights = cropLatent(kept, { ...shape, channels: 1 }, region)
  const target = crop(k0)
  const latent = await painter.paint({
    source: crop(source),
    noise: crop(noise.start),
    stepNoise: (step) => crop(noise.step(step)),
    shape: part,
    run: painter.shortRun,
    steer: (denoise) => guideTowards(target, () => weights, denoise),
    signal,
    onStep,
  })
  return painter.decode(latent, { shape: part, signal })
}

/** Coverage on the latent grid: what is not wholly kept is not held. */
function onCells(coverage: Plane, { width, height }: { readonly width: number; readonly height: number }): Float32Array {
  return resizePlane(coverage, width, height).data
}
