import { escapeHtml } from './html.ts'

/** A line of a chart: one value a frame, null where there is none. */
export interface ChartLine {
  readonly name: string
  /** Style class, which gives the colour: `source`, `unguided`, `result`, `other-0` … */
  readonly className: string
  readonly values: readonly (number | null)[]
}

/** What a chart shows. */
export interface Chart {
  readonly title: string
  readonly meaning: string
  readonly unit: string
  readonly lines: readonly ChartLine[]
}

const width = 560
const height = 190
const left = 46
const right = 8
const top = 10
const bottom = 24

/** A chart over the frames as a figure with inline SVG. Values may be any number from 0 up; the axis starts at 0. */
export function lineChart({ title, meaning, unit, lines }: Chart): string {
  const frames = Math.max(2, ...lines.map((line) => line.values.length))
  const highest = Math.max(...lines.flatMap((line) => line.values.map((value) => value ?? 0)), 1e-9)
  const ticks = niceTicks(highest)
  const limit = Math.max(ticks.at(-1)!, 1.06 * highest)
  const x = (frame: number): number => left + (frame / (frames - 1)) * (width - left - right)
  const y = (value: number): number => height - bottom - (value / limit) * (height - top - bottom)
  const grid = ticks
    .map(
      (tick) =>
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>` +
        `<text class="tick" x="${left - 8}" y="${(y(tick) + 4).toFixed(1)}" text-anchor="end">${shortNumber(tick)}</text>`,
    )
    .join('')
  const marks = frameTicks(frames)
    .map((frame) => `<text class="tick" x="${x(frame).toFixed(1)}" y="${height - 6}" text-anchor="middle">${frame}</text>`)
    .join('')
  const paths = lines.map((line) => `<path class="line ${line.className}" d="${path(line.values, x, y)}"/>`).join('')
  const data = escapeHtml(
    JSON.stringify({
      frames,
      left,
      right: width - right,
      lines: lines.map(({ name, values }) => ({ name, values: values.map(short) })),
    }),
  )
  return (
    `<figure class="chart"><figcaption><strong>${escapeHtml(title)}</strong>${unit === '' ? '' : ` <span class="unit">${escapeHtml(unit)}</span>`}` +
    `<span class="meaning">${escapeHtml(meaning)}</span></figcaption>` +
    `<div class="plot"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)} over the frames" data-chart="${data}">` +
    `${grid}${marks}<line class="now" y1="${top}" y2="${height - bottom}" x1="${left}" x2="${left}"/>${paths}` +
    `<line class="cursor" y1="${top}" y2="${height - bottom}"/></svg><div class="tip" hidden></div></div></figure>`
  )
}

function path(values: readonly (number | null)[], x: (frame: number) => number, y: (value: number) => number): string {
  let d = ''
  let drawing = false
  for (const [frame, value] of values.entries()) {
    if (value === null) {
      drawing = false
      continue
    }
    d += `${drawing ? 'L' : 'M'}${x(frame).toFixed(1)} ${y(value).toFixed(1)}`
    drawing = true
  }
  return d
}

/** Round numbers from 0 up to about `highest`, three to five of them. */
export function niceTicks(highest: number): number[] {
  const rough = highest / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const count = Math.floor(highest / step + 1e-9)
  return Array.from({ length: count + 1 }, (_, i) => i * step)
}

function frameTicks(frames: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((candidate) => (frames - 1) / candidate <= 8) ?? 10000
  return Array.from({ length: Math.floor((frames - 1) / step) + 1 }, (_, i) => i * step)
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)))
}

function short(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
