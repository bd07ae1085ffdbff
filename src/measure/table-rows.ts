import { goalText, holeGoals, measureList, reaches, type Goal, type MeasureInfo } from './measure-list.ts'
import type { Measures, VideoMeasures } from './measures.ts'
import type { Ratio } from './interval.ts'

/** A line of the table of measures, as text, for the terminal and the report alike. */
export interface TableRow {
  readonly group: MeasureInfo['group'] | 'Holes'
  readonly title: string
  readonly meaning: string
  readonly value: string
  readonly unguided: string
  /** Of the source itself: what a perfect render could reach. */
  readonly source: string
  /** The number that has the goal: mostly result over unguided. */
  readonly ratio: number | null
  readonly interval: string
  readonly goal: Goal | null
  readonly goalText: string
  /** Whether the ratio reaches its goal; null where there is no goal or no ratio. */
  readonly reached: boolean | null
  readonly detail: boolean
}

/** The table of a video's measures. Measures that could not be taken have no row. */
export function tableRows(video: VideoMeasures, measures: Measures): TableRow[] {
  const rows = measureList.flatMap((info): TableRow[] => {
    const value = video.values[info.name]
    if (value === null) return []
    const shown = (number: number | null | undefined): string =>
      number === null || number === undefined ? '' : (number * info.scale).toFixed(info.digits)
    const ratio = video.ratios[info.name]
    return [
      {
        group: info.group,
        title: info.title,
        meaning: info.meaning,
        value: `${shown(value)}${info.unit === '' ? '' : ` ${info.unit}`}`,
        unguided: shown(measures.baseline?.values[info.name]),
        source: shown(measures.source.values[info.name]),
        ...judged(ratio, info.goal ?? null),
        detail: info.detail === true,
      },
    ]
  })
  return [...rows, ...holeRows(video)]
}

function holeRows({ holes }: VideoMeasures): TableRow[] {
  if (holes === null) return []
  const row = (title: string, meaning: string, number: number, value: string, goal: Goal): TableRow => ({
    group: 'Holes',
    title,
    meaning,
    value,
    unguided: '',
    source: '',
    ...judged({ value: number, low: NaN, high: NaN }, goal),
    detail: false,
  })
  return [
    row(
      'Uncovered areas, error',
      'What appears from behind moving things: difference to a fresh redraw there, over the difference around it. 1 is as good as elsewhere.',
      holes.error,
      `${holes.inside.toFixed(1)} levels`,
      holeGoals.error,
    ),
    row(
      'Uncovered areas, crispness',
      `Detail there against a fresh redraw, over the same around it. Below 1 it is smeared. ${(holes.share * 100).toFixed(1)} % of the picture was just uncovered.`,
      holes.sharpness,
      holes.sharpness.toFixed(2),
      holeGoals.sharpness,
    ),
  ]
}

function judged(ratio: Ratio | null, goal: Goal | null): Pick<TableRow, 'ratio' | 'interval' | 'goal' | 'goalText' | 'reached'> {
  return {
    ratio: ratio?.value ?? null,
    interval: ratio === null || Number.isNaN(ratio.low) ? '' : `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`,
    goal,
    goalText: goal === null ? '' : goalText(goal),
    reached: ratio === null || goal === null ? null : reaches(ratio.value, goal),
  }
}
