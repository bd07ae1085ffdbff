import type { Flow, FlowEstimator } from '../flow/flow.ts'
import type { Frame } from '../image/frame.ts'
import { resizeFrame, type Fit } from '../image/resize.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { frameLook, smoothed, type FrameLook } from './frame-look.ts'
import { inStep, type InStepEnd } from './in-step.ts'
import { beginTrack, measureFrame } from './measured-track.ts'
import type { Measures } from './measures.ts'
import type { Region } from './region.ts'
import { beginWindow, takeFrame, type SourceWindow } from './source-window.ts'
import { videoMeasures } from './video-measures.ts'

/** Motion that is known, for example because a program drew the clip: asked by frame number. */
export interface KnownFlow {
  readonly id: string
  /** Flow from one frame to a neighbouring one, in pixels of the frames that are measured, on the grid of `from`. */
  between(from: number, to: number, signal?: AbortSignal): Promise<Flow>
}

/** What {@link measure} compares and how. */
export interface MeasureOptions {
  readonly source: FrameSource
  readonly result: FrameSource
  /** The same settings frame by frame, without guidance: what ratios are taken against. */
  readonly baseline?: FrameSource | undefined
  /** Further videos, measured against the same baseline. */
  readonly others?: readonly { readonly name: string; readonly video: FrameSource }[] | undefined
  /** Motion of the source. Take another method than the one that made the result, or its errors go unseen. */
  readonly flow: FlowEstimator | KnownFlow
  /** Name of the flow the result was made with, to warn where it is the same. */
  readonly renderedWith?: string | undefined
  /** Estimates every video's own motion too (costs one flow a frame and video) for the measure `motionError`. */
  readonly ownMotion?: FlowEstimator | undefined
  /** Frame numbers, for the warp error by distance from the last keyframe. */
  readonly keyframes?: readonly number[] | undefined
  /** First frames of shots: steps across a cut are left out. */
  readonly cuts?: readonly number[] | undefined
  /** Default `whole`. */
  readonly region?: Region | undefined
  /** How frames of another size are brought to the result's; default `fill` (stretched). */
  readonly fit?: Fit | undefined
  /** Called after every frame with the number of frames done. */
  readonly onProgress?: ((frames: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Measures a result, and whatever is given beside it, against its source: steadiness, sharpness, colour, structure, style strength, drift and
 * holes. Frames are read once, in order; at most 5 of each video are kept. Videos that differ in length are measured on the part that all have,
 * in size at the result's size; both are said in `notes`.
 *
 * @throws RangeError if there are fewer than 2 common frames. Rejects with the signal's reason when aborted; the sources stay open.
 */
export async function measure(options: MeasureOptions): Promise<Measures> {
  const { source, result, baseline, others = [], region = 'whole', keyframes = [], signal } = options
  const cuts = new Set(options.cuts)
  const videos = [result, ...(baseline === undefined ? [] : [baseline]), ...others.map((other) => other.video)]
  const names = ['result', ...(baseline === undefined ? [] : ['unguided']), ...others.map((other) => other.name)]
  const tracks = names.map((name) => beginTrack(name))
  const sourceTrack = beginTrack('source')
  const window = beginWindow(region)
  const notes: string[] = []
  const untrackable: number[] = []
  const end: InStepEnd = { frames: 0, ended: [] }
  let size: { width: number; height: number } | undefined

  for await (const images of inStep([source, ...videos], end, signal)) {
    const index = end.frames
    size ??= { width: images[1]!.image.width, height: images[1]!.image.height }
    if (index === 0) notes.push(...sizeNotes(['source', ...names], images, size))
    const looks: FrameLook[] = []
    for (const { image } of images) looks.push(frameLook(await fitted(image, size, options.fit)))
    const [sourceLook, ...videoLooks] = looks
    const redraw = baseline === undefined ? undefined : videoLooks[1]

    const flows = index === 0 || cuts.has(index) ? undefined : await flowsOf(options.flow, window, sourceLook!, index, signal)
    takeFrame(window, sourceLook!, region, flows)
    const motion = window.motions.at(-1)
    if (index > 0 && motion !== undefined && shareOf(motion.visible) < 0.1) untrackable.push(index)

    await measureFrame(sourceTrack, sourceLook!, window, undefined, options.ownMotion, signal)
    for (const [i, track] of tracks.entries()) {
      const own = videoLooks[i]!
      await measureFrame(track, own, window, own === redraw ? undefined : redraw, options.ownMotion, signal)
    }
    options.onProgress?.(index + 1)
  }

  if (size === undefined || end.frames < 2)
    throw new RangeError(`Measuring needs at least 2 frames that all videos have, got ${end.frames}.`)
  if (end.ended.length < videos.length + 1)
    notes.push(
      `Measured on the first ${end.frames} frames: ${listed(end.ended.map((i) => ['source', ...names][i]!))} ended there.`,
    )
  if (untrackable.length > 0)
    notes.push(
      `At frame ${listed(untrackable.map(String))} under a tenth of the picture could be followed, as at a cut: warp errors say little there.`,
    )
  if (options.renderedWith !== undefined && options.renderedWith === options.flow.id)
    notes.push(`The result was made with the flow it is measured with (${options.flow.id}): its own errors of motion go unseen.`)
  if (baseline === undefined) notes.push('No unguided render was given, so there are no ratios and holes were not judged.')

  const baselineTrack = baseline === undefined ? undefined : tracks[1]
  const finish = (track: (typeof tracks)[number]): Measures['result'] =>
    videoMeasures(track, baselineTrack, sourceTrack.colors, keyframes)
  const measured = tracks.map(finish)
  return {
    version: 1,
    ...size,
    frames: end.frames,
    frameRate: source.info.frameRate,
    region,
    flow: options.flow.id,
    source: finish(sourceTrack),
    result: measured[0]!,
    baseline: baselineTrack === undefined ? null : measured[1]!,
    others: measured.slice(baselineTrack === undefined ? 1 : 2),
    notes,
  }
}

async function flowsOf(
  flow: FlowEstimator | KnownFlow,
  window: SourceWindow,
  look: FrameLook,
  index: number,
  signal: AbortSignal | undefined,
): Promise<{ forward: Flow; backward: Flow }> {
  if ('between' in flow) {
    const [forward, backward] = await Promise.all([
      flow.between(index - 1, index, signal),
      flow.between(index, index - 1, signal),
    ])
    return { forward, backward }
  }
  const before = smoothed(window.looks.at(-1)!)
  const now = smoothed(look)
  const [forward, backward] = await Promise.all([flow.estimate(before, now, signal), flow.estimate(now, before, signal)])
  return { forward, backward }
}

async function fitted(image: Frame, size: { width: number; height: number }, fit: Fit = 'fill'): Promise<Frame> {
  return resizeFrame(image, size.width, size.height, { fit })
}

function sizeNotes(
  names: readonly string[],
  images: readonly { readonly image: Frame }[],
  size: { width: number; height: number },
): string[] {
  return images.flatMap(({ image }, i) =>
    image.width === size.width && image.height === size.height
      ? []
      : [`The ${names[i]!} is ${image.width}x${image.height} and was scaled to the result's ${size.width}x${size.height}.`],
  )
}

function shareOf(mask: Uint8Array): number {
  let count = 0
  for (let i = 0; i < mask.length; i++) count += mask[i]!
  return count / mask.length
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`
}
