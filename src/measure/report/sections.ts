import type { Finding } from '../findings.ts'
import type { Ratio } from '../interval.ts'
import { measureList } from '../measure-list.ts'
import type { Measures, MeasureName, VideoMeasures, WarpErrorPart } from '../measures.ts'
import { tableRows, type TableRow } from '../table-rows.ts'
import { speedBins } from '../warp-error.ts'
import { escapeHtml } from './html.ts'
import { lineChart, type ChartLine } from './line-chart.ts'
import type { ReportPictures } from './pictures.ts'

/** The big numbers at the top: what an animator asks first. */
export function headline(measures: Measures): string {
  const { ratios, values } = measures.result
  const tiles: string[] = []
  const tile = (value: string, label: string, note: string): void => {
    tiles.push(
      `<div class="tile"><span class="big">${value}</span><span class="label">${label}</span><span class="note">${note}</span></div>`,
    )
  }
  const calmer = (ratio: Ratio | null, label: string, note: string): void => {
    if (ratio === null) return
    const [times, word] = ratio.value <= 1 ? [1 / Math.max(ratio.value, 1e-3), 'less'] : [ratio.value, 'more']
    tile(`${times >= 10 ? times.toFixed(0) : times.toFixed(1)}<small>× ${word}</small>`, label, note)
  }
  const percent = (ratio: Ratio | null, label: string, note: string): void => {
    if (ratio !== null) tile(`${(ratio.value * 100).toFixed(0)}<small>%</small>`, label, note)
  }
  if (measures.baseline === null) {
    tile(
      ((values.warpError ?? 0) * 1000).toFixed(2),
      'warp error ×10⁻³',
      `the source itself has ${((measures.source.values.warpError ?? 0) * 1000).toFixed(2)}`,
    )
    if (values.flicker3 !== null) tile(values.flicker3.toFixed(2), 'still flicker', 'levels of 255')
    tile((values.sharpness ?? 0).toFixed(0), 'sharpness', `the source has ${(measures.source.values.sharpness ?? 0).toFixed(0)}`)
    tile((values.styleDistance ?? 0).toFixed(1), 'style distance ΔE', 'how far from the source')
  } else {
    calmer(ratios.warpError, 'change along the motion', 'warp error, against unguided')
    calmer(ratios.warpErrorFast, 'where it moves fast', 'over 4 px a frame')
    calmer(ratios.flicker3, 'shimmer in still areas', 'against unguided')
    percent(ratios.sharpness, 'sharpness kept', '100 % is as crisp as unguided')
    percent(ratios.chroma, 'colour kept', '100 % is as colourful as unguided')
    percent(ratios.styleDistance, 'style kept', '0 % is the source itself')
  }
  return `<div class="tiles">${tiles.join('')}</div>`
}

/** What stands out, in sentences. */
export function findingsList(found: readonly Finding[], compared: boolean): string {
  if (found.length === 0)
    return `<p class="fine">${compared ? 'Nothing stands out: steadiness was not bought with blur, grey, a frozen picture or a faded style.' : 'No frame jumps out of line, nothing is frozen, nothing drifts.'}</p>`
  return `<ul class="findings">${found.map((finding) => `<li>${escapeHtml(finding.text)}</li>`).join('')}</ul>`
}

/** The table of measures, grouped; the further numbers fold away. */
export function measuresTable(video: VideoMeasures, measures: Measures): string {
  const compared = measures.baseline !== null
  const rows = tableRows(video, measures)
  const head =
    `<thead><tr><th>Measure</th><th class="num">Result</th>${compared ? '<th class="num">Unguided</th>' : ''}<th class="num">Source</th>` +
    `${compared ? '<th class="num">Ratio</th><th class="wide">0 … unguided … 2×</th><th>Goal</th>' : ''}</tr></thead>`
  const table = (list: readonly TableRow[]): string => {
    let group = ''
    const body = list.map((row) => {
      const title = row.group === group ? '' : `<tr class="group"><th colspan="7">${row.group}</th></tr>`
      group = row.group
      return title + tableLine(row, compared)
    })
    return `<div class="scroll"><table>${head}<tbody>${body.join('')}</tbody></table></div>`
  }
  const detail = rows.filter((row) => row.detail)
  return (
    table(rows.filter((row) => !row.detail)) +
    `<details><summary>${detail.length} further numbers</summary>${table(detail)}</details>`
  )
}

function tableLine(row: TableRow, compared: boolean): string {
  const mark = row.reached === null ? '' : row.reached ? '<span class="ok">✓</span>' : '<span class="off">off</span>'
  return (
    `<tr><td><span class="name">${escapeHtml(row.title)}</span><span class="meaning">${escapeHtml(row.meaning)}</span></td>` +
    `<td class="num strong">${escapeHtml(row.value)}</td>${compared ? `<td class="num">${row.unguided}</td>` : ''}<td class="num">${row.source}</td>` +
    (compared
      ? `<td class="num strong"${row.interval === '' ? '' : ` title="95 % interval ${row.interval}"`}>${row.ratio === null ? '' : row.ratio.toFixed(row.ratio < 0.1 ? 3 : 2)}</td>` +
        `<td class="wide">${ratioBar(row)}</td><td class="goal">${row.goalText} ${mark}</td>`
      : '') +
    '</tr>'
  )
}

/** A bar from 0 to twice the unguided, with the goal as a band. */
function ratioBar({ ratio, goal, reached }: TableRow): string {
  if (ratio === null) return ''
  const at = (value: number): string => `${(Math.min(2, Math.max(0, value)) * 50).toFixed(1)}%`
  const band =
    goal === null
      ? ''
      : `<span class="band" style="left:${at(goal.low ?? 0)};width:calc(${at(goal.high ?? 2)} - ${at(goal.low ?? 0)})"></span>`
  return `<span class="bar">${band}<span class="fill${reached === false ? ' bad' : ''}" style="width:${at(ratio)}"></span><span class="one"></span></span>`
}

const charted: readonly MeasureName[] = ['warpError', 'flicker3', 'secondDifference', 'sharpness', 'colorOffset', 'styleDistance']

/** The measures over time. */
export function charts(measures: Measures): string {
  const videos = [
    { video: measures.source, className: 'source' },
    ...(measures.baseline === null ? [] : [{ video: measures.baseline, className: 'unguided' }]),
    ...measures.others.map((video, i) => ({ video, className: `other-${i % 3}` })),
    { video: measures.result, className: 'result' },
  ]
  const figures = charted.flatMap((name) => {
    const info = measureList.find((item) => item.name === name)!
    const lines = videos.flatMap(({ video, className }): ChartLine[] => {
      const values = video.series[name].map((value) => (value === null ? null : value * info.scale))
      const trivial = className === 'source' && (name === 'colorOffset' || name === 'styleDistance')
      return trivial || values.every((value) => value === null) ? [] : [{ name: video.name, className, values }]
    })
    if (!lines.some((line) => line.className === 'result')) return []
    return [lineChart({ title: info.title, meaning: info.meaning, unit: info.unit, lines })]
  })
  const legend = videos
    .map(({ video, className }) => `<span><i class="key ${className}"></i>${escapeHtml(video.name)}</span>`)
    .join('')
  return `<p class="legend">${legend}</p><div class="charts">${figures.join('')}</div>`
}

/** Warp error by speed of motion and by distance from the last keyframe, as bars of the ratio. */
export function warpErrorParts(measures: Measures): string {
  const { bySpeed, byKeyframeDistance } = measures.result
  const speed = bySpeed.map((part, i) => ({ name: `${speedBins[i]!} px`, part })).filter(({ part }) => part.value !== null)
  const distance = byKeyframeDistance
    .slice(0, 17)
    .map((part) => ({ name: part.distance === 0 ? 'onto it' : `${part.distance} after`, part }))
  return (
    `<div class="charts">${barFigure('By speed of motion', 'How steady things are that move slowly or fast, in pixels a frame.', speed)}` +
    `${distance.length === 0 ? '' : barFigure('By distance from the last keyframe', 'A rise means that frames far from a keyframe hold less well.', distance)}</div>`
  )
}

function barFigure(title: string, meaning: string, rows: readonly { name: string; part: WarpErrorPart }[]): string {
  const compared = rows.some(({ part }) => part.ratio !== null)
  const size = (part: WarpErrorPart): number => (compared ? (part.ratio?.value ?? 0) : (part.value ?? 0) * 1000)
  const most = Math.max(...rows.map(({ part }) => size(part)), 1e-9)
  const scale = compared ? Math.max(1, most) : most
  const lines = rows.map(
    ({ name, part }) =>
      `<tr><th>${escapeHtml(name)}</th><td class="wide"><span class="bar plain"><span class="fill" style="width:${((100 * size(part)) / scale).toFixed(1)}%"></span></span></td>` +
      `<td class="num">${size(part).toFixed(compared && size(part) < 0.1 ? 3 : 2)}</td><td class="num faint">${(part.share * 100).toFixed(part.share < 0.1 ? 1 : 0)} %</td></tr>`,
  )
  return (
    `<figure class="chart"><figcaption><strong>${title}</strong><span class="meaning">${meaning} ${compared ? 'Bars: warp error over unguided, 1 is no better.' : 'Bars: warp error ×10⁻³.'}</span></figcaption>` +
    `<table class="bars"><thead><tr><th></th><th></th><th class="num">${compared ? 'ratio' : 'error'}</th><th class="num">share</th></tr></thead><tbody>${lines.join('')}</tbody></table></figure>`
  )
}

/** Every video that was compared, one column each: the ratios to the unguided render, or the values. */
export function comparison(measures: Measures): string {
  if (measures.others.length === 0) return ''
  const videos = [measures.result, ...measures.others]
  const compared = measures.baseline !== null
  const rows = measureList
    .filter((info) => info.detail !== true && videos.some((video) => video.values[info.name] !== null))
    .map((info) => {
      const cells = videos.map((video) => {
        const value = compared ? video.ratios[info.name]?.value : video.values[info.name]
        const text =
          value === null || value === undefined
            ? ''
            : compared
              ? value.toFixed(value < 0.1 ? 3 : 2)
              : (value * info.scale).toFixed(info.digits)
        return `<td class="num">${text}</td>`
      })
      return `<tr><td><span class="name">${escapeHtml(info.title)}</span></td>${cells.join('')}</tr>`
    })
  const head = videos.map((video) => `<th class="num">${escapeHtml(video.name)}</th>`).join('')
  return (
    `<section><h2>Side by side</h2><p class="lead">${compared ? 'Ratios to the unguided render.' : 'Values.'}</p>` +
    `<div class="scroll"><table><thead><tr><th>Measure</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`
  )
}

/** Rows over time, side by side. */
export function slices(pictures: ReportPictures): string {
  const figures = pictures.slices.map(
    ({ name, picture }) =>
      `<figure><img src="${picture}" alt="Row ${pictures.sliceRow} of the ${name} over time"><figcaption>${escapeHtml(name)}</figcaption></figure>`,
  )
  return `<div class="slices">${figures.join('')}</div>`
}

/** The worst frames with the frame before and the source. */
export function worst(pictures: ReportPictures): string {
  const cards = pictures.worst.map(
    ({ frame, reason, factor, before, picture, source }) =>
      `<figure class="worst"><div class="pair">${before === undefined ? '' : `<img src="${before}" alt="Result, frame ${frame - 1}">`}` +
      `<img src="${picture}" alt="Result, frame ${frame}"><img src="${source}" alt="Source, frame ${frame}"></div>` +
      `<figcaption><strong>Frame ${frame}</strong> ${escapeHtml(reason)}: ${factor.toFixed(1)} times the clip's middle value<span class="meaning">before · this frame · source</span></figcaption></figure>`,
  )
  return `<div class="worsts">${cards.join('')}</div>`
}
