import { warpChannels } from '../flow/warp.ts'
import { colorOffset, frameColor, jitter, meanDeltaE, type FrameColor } from './color.ts'
import { edgeAgreement } from './edges.ts'
import { secondDifference, staticFlicker } from './flicker.ts'
import { smoothed, type FrameLook } from './frame-look.ts'
import { holeSums, type HoleSums } from './holes.ts'
import type { MeasureName } from './measures.ts'
import { followingSum, motionFollowing } from './motion-following.ts'
import { motionError } from './motion-error.ts'
import { sharpness } from './sharpness.ts'
import { ssim } from './structure.ts'
import { emptySum, one, type Sum } from './sum.ts'
import { speedBins, squaredDifference, warpError, warpErrorBySpeed } from './warp-error.ts'
import type { FlowEstimator } from '../flow/flow.ts'
import type { SourceWindow } from './source-window.ts'

/** Everything gathered of one video while its frames go by; parts stand at the frames they belong to, see `VideoMeasures.series`. */
export interface MeasuredTrack {
  readonly name: string
  readonly parts: Readonly<Record<MeasureName, Sum[]>>
  /** One list a bin of speed. */
  readonly speedParts: readonly Sum[][]
  readonly colors: FrameColor[]
  /** One a frame with holes that was compared with a redraw. */
  readonly holes: HoleSums[]
  /** Pixels of all frames that were looked at for holes. */
  holePixels: number
  /** The last frames, newest last, at most 5. */
  readonly looks: FrameLook[]
}

const measureNames: readonly MeasureName[] = [
  'warpError',
  'warpErrorSoft',
  'warpErrorFast',
  'flicker3',
  'flicker5',
  'flickerBackground',
  'secondDifference',
  'sharpness',
  'fineDetail',
  'middleDetail',
  'chroma',
  'colorOffset',
  'jitter',
  'edgeRecall',
  'edgePrecision',
  'ssim',
  'styleDistance',
  'motionFollowing',
  'motionError',
]

/** One value for every measure. */
export function forEveryMeasure<T>(make: (name: MeasureName) => T): Record<MeasureName, T> {
  return Object.fromEntries(measureNames.map((name) => [name, make(name)])) as Record<MeasureName, T>
}

/** A track without frames. */
export function beginTrack(name: string): MeasuredTrack {
  return {
    name,
    parts: forEveryMeasure(() => []),
    speedParts: speedBins.map(() => []),
    colors: [],
    holes: [],
    holePixels: 0,
    looks: [],
  }
}

/**
 * Measures the next frame of a video. The source's window must have taken its frame of the same number before.
 *
 * @param look The frame. @param redraw The baseline's frame of the same number, for the holes.
 * @param ownFlow Estimates the video's own motion for `motionError`, or undefined to leave that out.
 */
export async function measureFrame(
  track: MeasuredTrack,
  look: FrameLook,
  source: SourceWindow,
  redraw: FrameLook | undefined,
  ownFlow?: FlowEstimator,
  signal?: AbortSignal,
): Promise<void> {
  track.looks.push(look)
  if (track.looks.length > 5) track.looks.shift()
  for (const parts of Object.values(track.parts)) parts.push(emptySum)
  for (const parts of track.speedParts) parts.push(emptySum)
  measureAlone(track, look, source)
  measureStep(track, source)
  measureWindows(track, source)
  if (redraw !== undefined && source.age !== undefined) {
    track.holes.push(holeSums(look, redraw, source.age, look.width, look.height))
    track.holePixels += look.width * look.height
  }
  const motion = source.motions.at(-1)
  const before = track.looks.at(-2)
  if (ownFlow !== undefined && motion !== undefined && before !== undefined) {
    const own = await ownFlow.estimate(smoothed(before), smoothed(look), signal)
    setLast(track, 'motionError', motionError(own, motion, source.regions.at(-2)!))
  }
}

function setLast(track: MeasuredTrack, name: MeasureName, value: Sum, back = 0): void {
  const parts = track.parts[name]
  parts[parts.length - 1 - back] = value
}

/** Measures of a frame on its own and against its source frame. */
function measureAlone(track: MeasuredTrack, look: FrameLook, source: SourceWindow): void {
  const { width, height } = look
  const region = source.regions.at(-1)!
  const sourceLook = source.looks.at(-1)!
  const sharp = sharpness(look.gray, width, height, source.interior, source.bandInterior)
  setLast(track, 'sharpness', one(sharp.laplacian))
  setLast(track, 'fineDetail', one(sharp.fine))
  setLast(track, 'middleDetail', one(sharp.middle))
  const color = frameColor(look.lab, region)
  const before = track.colors.at(-1)
  track.colors.push(color)
  setLast(track, 'chroma', one(color.chroma))
  setLast(track, 'colorOffset', one(colorOffset(color, frameColor(sourceLook.lab, region))))
  if (before !== undefined) setLast(track, 'jitter', one(jitter(color, before)))
  const edges = edgeAgreement(look.edges, sourceLook.edges, width, height)
  setLast(track, 'edgeRecall', edges.recall)
  setLast(track, 'edgePrecision', edges.precision)
  setLast(track, 'ssim', one(look === sourceLook ? 1 : ssim(look.gray, sourceLook.gray, width, height, region)))
  setLast(track, 'styleDistance', one(meanDeltaE(look.lab, sourceLook.lab, region)))
}

/** Measures of the step from the frame before. */
function measureStep(track: MeasuredTrack, source: SourceWindow): void {
  const motion = source.motions.at(-1)
  const [before, look] = track.looks.slice(-2)
  if (motion === undefined || before === undefined || look === undefined) return
  const region = source.regions.at(-2)!
  const layout = { channels: 3, order: 'interleaved' } as const
  const warped = warpChannels(look.rgb, layout, motion.forward, 'linear')
  const difference = squaredDifference(before.rgb, warped)
  setLast(track, 'warpError', one(warpError(difference, motion, region)))
  for (const [bin, sum] of warpErrorBySpeed(difference, motion, region).entries())
    track.speedParts[bin]![track.speedParts[bin]!.length - 1] = sum
  setLast(track, 'warpErrorFast', track.speedParts.at(-1)!.at(-1)!)
  const softWarped = warpChannels(look.soft, layout, motion.forward, 'linear')
  setLast(track, 'warpErrorSoft', one(warpError(squaredDifference(before.soft, softWarped), motion, region)))
  setLast(track, 'motionFollowing', followingSum(motionFollowing(before.rgb, look.rgb, warped, motion, region)))
}

/** Measures of the last 3 and 5 frames. */
function measureWindows(track: MeasuredTrack, source: SourceWindow): void {
  for (const [name, length] of [
    ['flicker3', 3],
    ['flicker5', 5],
  ] as const) {
    const motions = source.motions.slice(1 - length)
    if (track.looks.length < length || motions.length < length - 1 || motions.includes(undefined)) continue
    const frames = track.looks.slice(-length).map((look) => look.rgb)
    const still = source.still.slice(1 - length)
    setLast(track, name, staticFlicker(frames, [...still, ...source.regions.slice(-length)]))
    if (length === 3 && source.backgrounds !== undefined)
      setLast(track, 'flickerBackground', staticFlicker(frames, [...still, ...source.backgrounds.slice(-length)]))
  }
  const [earlier, later] = source.motions.slice(-2)
  const [before, middle, after] = track.looks.slice(-3)
  if (earlier === undefined || later === undefined || after === undefined) return
  const region = source.regions.at(-2)!
  setLast(track, 'secondDifference', secondDifference(before!.rgb, middle!.rgb, after.rgb, earlier, later, region), 1)
}
