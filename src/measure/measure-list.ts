import type { MeasureName } from './measures.ts'

/** Where a number should lie; both ends belong to it. */
export interface Goal {
  readonly low?: number
  readonly high?: number
}

/** What a measure is, for people. */
export interface MeasureInfo {
  readonly name: MeasureName
  readonly group: 'Steadiness' | 'Picture' | 'Colour' | 'Likeness'
  readonly title: string
  /** One plain sentence: what it sees, and which way is better. */
  readonly meaning: string
  /** Shown values are multiplied by this. */
  readonly scale: number
  readonly digits: number
  readonly unit: string
  /** Of the ratio to the unguided render; undefined where it is for information. */
  readonly goal?: Goal
  /** Further numbers that only the full table has. */
  readonly detail?: true
}

/** All measures in the order they are shown. The goals are what the default method is held to; see docs of the measures. */
export const measureList: readonly MeasureInfo[] = [
  {
    name: 'warpError',
    group: 'Steadiness',
    title: 'Warp error',
    meaning: 'How much the picture changes while it moves along with the source. Lower is steadier.',
    scale: 1000,
    digits: 2,
    unit: '×10⁻³',
    goal: { high: 0.12 },
  },
  {
    name: 'warpErrorSoft',
    group: 'Steadiness',
    title: 'Warp error, softened',
    meaning: 'The same after a wider blur: changes of larger areas only.',
    scale: 1000,
    digits: 2,
    unit: '×10⁻³',
    detail: true,
  },
  {
    name: 'warpErrorFast',
    group: 'Steadiness',
    title: 'Warp error, fast motion',
    meaning: 'The same only where things move more than 4 px a frame, which is the hardest part.',
    scale: 1000,
    digits: 2,
    unit: '×10⁻³',
    goal: { high: 0.25 },
  },
  {
    name: 'flicker3',
    group: 'Steadiness',
    title: 'Still flicker',
    meaning: 'How much still areas shimmer over 3 frames. Lower is calmer.',
    scale: 1,
    digits: 2,
    unit: 'levels',
    goal: { high: 0.25 },
  },
  {
    name: 'flicker5',
    group: 'Steadiness',
    title: 'Still flicker, 5 frames',
    meaning: 'The same over 5 frames: slower shimmer too.',
    scale: 1,
    digits: 2,
    unit: 'levels',
    goal: { high: 0.25 },
    detail: true,
  },
  {
    name: 'flickerBackground',
    group: 'Steadiness',
    title: 'Still flicker, background',
    meaning: 'The same outside the figure.',
    scale: 1,
    digits: 2,
    unit: 'levels',
    detail: true,
  },
  {
    name: 'secondDifference',
    group: 'Steadiness',
    title: 'Jumps',
    meaning: 'How far frames fall out of line with the frame before and after. Single glitches show here. Lower is better.',
    scale: 1,
    digits: 2,
    unit: 'levels',
    goal: { high: 0.4 },
  },
  {
    name: 'motionFollowing',
    group: 'Steadiness',
    title: 'Follows the motion',
    meaning: 'Do the brush strokes move with what is painted? 1 exactly, 0.5 not at all, 0 frozen to the screen.',
    scale: 1,
    digits: 2,
    unit: '',
    goal: { low: 1 },
  },
  {
    name: 'motionError',
    group: 'Steadiness',
    title: 'Motion error',
    meaning: 'How far the visible motion differs from the source motion. Lower is better.',
    scale: 1,
    digits: 2,
    unit: 'px',
    goal: { high: 1 },
  },
  {
    name: 'sharpness',
    group: 'Picture',
    title: 'Sharpness',
    meaning: 'How crisp the picture is. Below the goal it is blurred, above it is sharpened by force.',
    scale: 1,
    digits: 1,
    unit: '',
    goal: { low: 0.95, high: 1.1 },
  },
  {
    name: 'fineDetail',
    group: 'Picture',
    title: 'Fine detail',
    meaning: 'Strength of structures about 2 px wide.',
    scale: 1,
    digits: 2,
    unit: '',
    detail: true,
  },
  {
    name: 'middleDetail',
    group: 'Picture',
    title: 'Middle detail',
    meaning: 'Strength of structures about 4 px wide.',
    scale: 1,
    digits: 2,
    unit: '',
    detail: true,
  },
  {
    name: 'chroma',
    group: 'Colour',
    title: 'Colourfulness',
    meaning: 'How strong the colours are. Below the goal the picture greys.',
    scale: 1,
    digits: 1,
    unit: '',
    goal: { low: 0.98, high: 1.02 },
  },
  {
    name: 'colorOffset',
    group: 'Colour',
    title: 'Colour shift',
    meaning: 'How far the overall colour lies from the source. Should not be more than without guidance.',
    scale: 1,
    digits: 2,
    unit: 'ΔE',
    goal: { high: 1.05 },
  },
  {
    name: 'jitter',
    group: 'Colour',
    title: 'Brightness jitter',
    meaning: 'How much the overall brightness jumps from frame to frame. Lower is calmer.',
    scale: 1,
    digits: 3,
    unit: 'L',
    detail: true,
  },
  {
    name: 'styleDistance',
    group: 'Likeness',
    title: 'Style strength',
    meaning: 'How far the picture went from the source. Below the goal the style fades back to the source.',
    scale: 1,
    digits: 2,
    unit: 'ΔE',
    goal: { low: 0.95, high: 1.05 },
  },
  {
    name: 'edgeRecall',
    group: 'Likeness',
    title: 'Lines kept',
    meaning: 'Share of the lines of the source that are drawn. Higher is better.',
    scale: 100,
    digits: 1,
    unit: '%',
    goal: { low: 0.995 },
  },
  {
    name: 'edgePrecision',
    group: 'Likeness',
    title: 'Lines in place',
    meaning: 'Share of the drawn lines that the source has. Low: lines were invented.',
    scale: 100,
    digits: 1,
    unit: '%',
    goal: { low: 0.97 },
  },
  {
    name: 'ssim',
    group: 'Likeness',
    title: 'Likeness to the source',
    meaning: 'Similar light and dark structure (SSIM), 1 is the source itself. For information: a strong style is less like it.',
    scale: 1,
    digits: 3,
    unit: '',
    detail: true,
  },
]

/** Goals of what is not in the list: holes (absolute values), and how much may drift over a clip. */
export const holeGoals: { readonly error: Goal; readonly sharpness: Goal } = { error: { high: 1.4 }, sharpness: { low: 0.75 } }

/** True where a number reaches its goal. */
export function reaches(value: number, goal: Goal): boolean {
  return value >= (goal.low ?? -Infinity) && value <= (goal.high ?? Infinity)
}

/** `0.95 - 1.1`, `at most 0.12`, `at least 1`. */
export function goalText({ low, high }: Goal): string {
  if (low !== undefined && high !== undefined) return `${low} to ${high}`
  return low === undefined ? `at most ${high}` : `at least ${low}`
}
