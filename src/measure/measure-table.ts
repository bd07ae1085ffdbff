import { findings } from './findings.ts'
import type { Measures, VideoMeasures } from './measures.ts'
import { tableRows } from './table-rows.ts'
import { speedBins } from './warp-error.ts'

/**
 * The measures as plain text for a terminal: aligned columns, then what stands out and the notes.
 *
 * @param full Also the further numbers, speeds and distances from keyframes.
 * @returns Lines that end in a line break.
 */
export function measureTable(measures: Measures, { full = false }: { readonly full?: boolean } = {}): string {
  const lines = [
    `${measures.frames} frames, ${measures.width}x${measures.height}, motion by ${measures.flow}` +
      (measures.baseline === null ? '' : '; ratio = to the unguided render'),
  ]
  for (const video of [measures.result, ...measures.others]) {
    if (measures.others.length > 0) lines.push('', video.name)
    lines.push(...columns(videoLines(video, measures, full)))
    if (full) lines.push(...parts(video))
    for (const finding of findings(video, measures)) lines.push(`! ${finding.text}`)
  }
  for (const note of measures.notes) lines.push(`note: ${note}`)
  return lines.join('\n') + '\n'
}

function videoLines(video: VideoMeasures, measures: Measures, full: boolean): string[][] {
  const compared = measures.baseline !== null
  const head = ['measure', 'value', 'source', ...(compared ? ['unguided', 'ratio', '95 %', 'goal', ''] : [])]
  const rows = tableRows(video, measures)
    .filter((row) => full || !row.detail)
    .map((row) => [
      row.title,
      row.value,
      row.source,
      ...(compared
        ? [
            row.unguided,
            row.ratio === null ? '' : row.ratio.toFixed(3),
            row.interval,
            row.goalText,
            row.reached === null ? '' : row.reached ? 'ok' : 'off',
          ]
        : []),
    ])
  return [head, ...rows]
}

function parts(video: VideoMeasures): string[] {
  const line = (name: string, part: VideoMeasures['bySpeed'][number]): string[] => [
    name,
    part.value === null ? '' : (part.value * 1000).toFixed(2),
    part.ratio === null ? '' : part.ratio.value.toFixed(3),
    `${(part.share * 100).toFixed(1)} %`,
  ]
  const speed = video.bySpeed.map((part, bin) => line(`${speedBins[bin]!} px a frame`, part))
  const distance = video.byKeyframeDistance.map((part) => line(`${part.distance} from keyframe`, part))
  return ['', ...columns([['warp error ×10⁻³', 'value', 'ratio', 'share'], ...speed, ...distance]), '']
}

/** First column to the left, the others to the right, two spaces between. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === row.length - 1 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
}
