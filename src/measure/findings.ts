import type { Drift } from './drift.ts'
import { median } from './interval.ts'
import { holeGoals, measureList, reaches } from './measure-list.ts'
import type { DriftName, Measures, MeasureName, VideoMeasures } from './measures.ts'

/** Something about a video that people should know before they trust its numbers. */
export interface Finding {
  readonly kind:
    | 'flickers'
    | 'frozen'
    | 'blurred'
    | 'sharpened'
    | 'grey'
    | 'oversaturated'
    | 'colour-shifted'
    | 'lines-lost'
    | 'lines-invented'
    | 'style-fades'
    | 'style-exaggerated'
    | 'glitch'
    | 'drifts'
    | 'holes-wrong'
    | 'holes-smeared'
  /** One plain sentence with the number. */
  readonly text: string
  /** Frames it happens at, where it is about single frames. */
  readonly frames?: readonly number[]
}

/**
 * Reads the measures as a whole, since each alone can be gamed: a frozen or blurred clip has a fine warp error. Most of it needs the unguided
 * render to compare with; glitches, frozen pictures and drift do not.
 */
export function findings(video: VideoMeasures, measures: Measures): Finding[] {
  return [...againstBaseline(video), ...frozen(video, measures), ...holes(video), ...glitches(video), ...drifts(video)]
}

function againstBaseline(video: VideoMeasures): Finding[] {
  const found: Finding[] = []
  const check = (
    name: MeasureName,
    below: Finding['kind'] | undefined,
    above: Finding['kind'] | undefined,
    text: (r: string) => string,
  ): void => {
    const ratio = video.ratios[name]?.value
    const goal = measureList.find((info) => info.name === name)!.goal!
    if (ratio === undefined || reaches(ratio, goal)) return
    const kind = ratio < (goal.low ?? -Infinity) ? below : above
    if (kind !== undefined) found.push({ kind, text: text(ratio.toFixed(2)) })
  }
  check('warpError', undefined, 'flickers', (r) => `Not as steady as our goal: the warp error is ${r} times the unguided one.`)
  check('flicker3', undefined, 'flickers', (r) => `Still areas shimmer more than our goal: ${r} times the unguided flicker.`)
  check(
    'warpErrorFast',
    undefined,
    'flickers',
    (r) => `Fast motion is not as steady as our goal: ${r} times the unguided warp error there.`,
  )
  check('sharpness', 'blurred', 'sharpened', (r) =>
    Number(r) < 1
      ? `Softer than our goal: ${r} times the unguided sharpness.`
      : `It is sharpened by force: ${r} times the unguided sharpness.`,
  )
  check('chroma', 'grey', 'oversaturated', (r) =>
    Number(r) < 1 ? `It greys: colours are ${r} times as strong as unguided.` : `Colours are ${r} times as strong as unguided.`,
  )
  check(
    'colorOffset',
    undefined,
    'colour-shifted',
    (r) => `The overall colour is off: ${r} times as far from the source as unguided.`,
  )
  check('edgeRecall', 'lines-lost', undefined, (r) => `Lines of the source are lost: ${r} times as many are kept as unguided.`)
  check('edgePrecision', 'lines-invented', undefined, (r) => `Lines were invented: ${r} times as many lie in place as unguided.`)
  check('styleDistance', 'style-fades', 'style-exaggerated', (r) =>
    Number(r) < 1
      ? `The style is weak: ${r} times as far from the source as unguided.`
      : `The picture runs away from the source: ${r} times as far as unguided.`,
  )
  return found
}

/** Textures that stay where they are on the screen while the source moves. */
function frozen(video: VideoMeasures, measures: Measures): Finding[] {
  const value = video.values.motionFollowing
  const unguided = measures.baseline?.values.motionFollowing ?? 0.5
  if (value === null || value >= Math.min(0.5, unguided) - 0.05) return []
  return [
    {
      kind: 'frozen',
      text: `The picture stands still while the source moves: it follows the motion by ${value.toFixed(2)} (0.5 is not at all).`,
    },
  ]
}

function holes({ holes: quality }: VideoMeasures): Finding[] {
  const found: Finding[] = []
  if (quality === null) return found
  if (!reaches(quality.error, holeGoals.error))
    found.push({
      kind: 'holes-wrong',
      text: `Areas that were just uncovered are painted wrong: they differ ${quality.error.toFixed(2)} times as much from a redraw as their surroundings.`,
    })
  if (!reaches(quality.sharpness, holeGoals.sharpness))
    found.push({
      kind: 'holes-smeared',
      text: `Areas that were just uncovered are smeared: ${quality.sharpness.toFixed(2)} times as crisp as their surroundings.`,
    })
  return found
}

/** Frames that stand out of line by far more than their neighbours do. */
function glitches(video: VideoMeasures): Finding[] {
  const frames = outliers(video.series.secondDifference)
  if (frames.length === 0) return []
  return [
    {
      kind: 'glitch',
      text: `${frames.length === 1 ? 'One frame jumps' : 'Frames jump'} out of line: ${frames.join(', ')}.`,
      frames,
    },
  ]
}

/**
 * Peaks of a series: more than 2.5 times the middle value, more than 8 times the usual spread above it, and the highest among their direct
 * neighbours (a glitch lifts those too).
 */
export function outliers(series: readonly (number | null)[]): number[] {
  const known = series.filter((value) => value !== null)
  if (known.length < 5) return []
  const middle = median(known)
  const spread = 1.4826 * median(known.map((value) => Math.abs(value - middle)))
  return series.flatMap((value, frame) => {
    const around = Math.max(series[frame - 1] ?? 0, series[frame + 1] ?? 0)
    return value !== null && value > 2.5 * middle && value > middle + 8 * spread && value >= around ? [frame] : []
  })
}

const driftWords: Readonly<Record<DriftName, string>> = {
  L: 'brightness',
  a: 'colour (green to red)',
  b: 'colour (blue to yellow)',
  chroma: 'colourfulness',
  sharpness: 'sharpness',
  warpError: 'steadiness',
  styleDistance: 'style strength',
}

/** Change over the whole clip that is told: 2 Delta E of colour, and a tenth of the clip's mean of the others. */
function drifts(video: VideoMeasures): Finding[] {
  const slopes = video.driftAgainstBaseline ?? video.drift
  const frames = video.series.sharpness.length
  return (Object.keys(driftWords) as DriftName[]).flatMap((name): Finding[] => {
    const line = slopes[name]
    if (line === null || !isReal(line)) return []
    const change = line.slope * (frames - 1)
    const colour = name === 'L' || name === 'a' || name === 'b' || name === 'chroma'
    if (name === 'warpError' || (!colour && video.driftAgainstBaseline === null)) return []
    const scale = colour ? 20 : Math.abs(video.values[name] ?? 0)
    if (Math.abs(change) < 0.1 * scale) return []
    const amount = colour ? `${signed(change)} ΔE` : `${signed((100 * change) / scale, 0)} %`
    return [{ kind: 'drifts', text: `The ${driftWords[name]} drifts over the clip: ${amount} from the first to the last frame.` }]
  })
}

/** True where the interval of the slope does not hold 0. */
function isReal(line: Drift): boolean {
  return line.low > 0 || line.high < 0
}

function signed(value: number, digits = 1): string {
  return (value < 0 ? '−' : '+') + Math.abs(value).toFixed(digits)
}
