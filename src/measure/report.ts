import type { Fit } from '../image/resize.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { findings } from './findings.ts'
import type { Measures } from './measures.ts'
import { escapeHtml, scriptJson } from './report/html.ts'
import { pageScript } from './report/page-script.ts'
import { pageStyle } from './report/page-style.ts'
import { takePictures, type ReportPictures } from './report/pictures.ts'
import { charts, comparison, findingsList, headline, measuresTable, slices, warpErrorParts, worst } from './report/sections.ts'
import { worstFrames } from './worst-frames.ts'

/** What a report is made of. The videos are the ones that were measured; they are read once more for the pictures. */
export interface ReportOptions {
  readonly measures: Measures
  readonly source: FrameSource
  readonly result: FrameSource
  readonly baseline?: FrameSource | undefined
  /** Heading; default the path of the source. */
  readonly title?: string | undefined
  /** What the result was made with, shown under the heading. */
  readonly settings?: readonly { readonly name: string; readonly value: string }[] | undefined
  /** As given to `measure`. */
  readonly fit?: Fit | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * One self-contained page: viewer, what stands out, the table, plots over time, slices, the worst frames. No network, no files beside it.
 *
 * @returns The HTML, 3 to 5 MB: pictures wider than 640 px are scaled down, and long clips show a part of their frames.
 */
export async function renderReport(options: ReportOptions): Promise<string> {
  const { measures, source, result, baseline } = options
  const pictures = await takePictures({
    source,
    result,
    baseline,
    frames: measures.frames,
    width: measures.width,
    height: measures.height,
    worst: worstFrames(measures.result),
    fit: options.fit,
    signal: options.signal,
  })
  const title = options.title ?? source.info.path
  const compared = measures.baseline !== null
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="ofgen">
<title>${escapeHtml(title)} · ofgen report</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="about">${about(measures)}</p>
${settingsList(options.settings ?? [])}
</header>
${headline(measures)}
<div class="stage">
${viewer(pictures)}
<aside>
<h2>What stands out</h2>
${findingsList(findings(measures.result, measures), compared)}
${measures.notes.length === 0 ? '' : `<ul class="notes">${measures.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul>`}
</aside>
</div>
<section>
<h2>All measures</h2>
<p class="lead">${
    compared
      ? 'Each against the same settings without guidance. No single number counts: a frozen or blurred picture is steady too. The green band is the goal.'
      : 'Without an unguided render to compare with, numbers of different clips cannot be compared.'
  }</p>
${measuresTable(measures.result, measures)}
</section>
${comparison(measures)}
<section>
<h2>Over time</h2>
<p class="lead">Peaks are frames to look at: click one to see it in the viewer above.</p>
${charts(measures)}
</section>
<section>
<h2>Where it holds and where not</h2>
<p class="lead">The warp error, taken apart.</p>
${warpErrorParts(measures)}
</section>
<section>
<h2>One row over time</h2>
<p class="lead">Row ${pictures.sliceRow} of every frame, stacked downwards. Clean tracks are steady paint; confetti is flicker.</p>
${slices(pictures)}
</section>
<section>
<h2>Worst frames</h2>
<p class="lead">The frames furthest above the rest of this clip. In a good clip they look fine.</p>
${worst(pictures)}
</section>
<footer>
<p>The motion of the source was taken from: ${escapeHtml(measures.flow)}. Warp error after Lai et al. 2018 with its mask of occlusions and motion boundaries; pictures are blurred by 1 px before measuring. Ratios are of means; hold the pointer over one to see its 95 % interval.</p>
<p>Made by ofgen.</p>
</footer>
</main>
<script type="application/json" id="frames">${scriptJson(pictures.viewer)}</script>
<script>${pageScript}</script>
</body>
</html>
`
}

function about({ frames, width, height, frameRate, baseline }: Measures): string {
  const rate = Number(frameRate.toFixed(3))
  const seconds = frameRate > 0 ? `, ${(frames / frameRate).toFixed(1)} s at ${rate} frames a second` : ''
  return `${frames} frames of ${width}×${height}${seconds}. ${
    baseline === null
      ? 'Measured against the source.'
      : 'Measured against the source and against the same settings without guidance.'
  }`
}

function settingsList(settings: readonly { readonly name: string; readonly value: string }[]): string {
  if (settings.length === 0) return ''
  const items = settings.map(({ name, value }) => `<li><b>${escapeHtml(name)}</b>${escapeHtml(value)}</li>`)
  return `<ul class="settings">${items.join('')}</ul>`
}

function viewer({ width, height, viewer: shown }: ReportPictures): string {
  const first = shown[0]!
  const modes =
    first.unguided === undefined
      ? ''
      : `<button data-against="source" aria-pressed="true">Source | Result</button><button data-against="unguided" aria-pressed="false">Unguided | Result</button>`
  return `<figure class="view">
<div id="viewer" style="aspect-ratio:${width}/${height};max-width:min(${width * 2}px, calc(72vh * ${(width / height).toFixed(4)}))">
<img id="left" src="${first.source}" alt="To compare"><img id="right" src="${first.result}" alt="Result">
<input id="wipe" type="range" min="0" max="100" step="0.1" value="50" aria-label="Wipe between the two pictures">
<span class="rule"></span><span class="tag" id="left-name">source</span><span class="tag" id="right-name">result</span>
</div>
<div class="controls"><button id="play">Play</button><input id="scrub" type="range" min="0" max="${shown.length - 1}" step="1" value="0" aria-label="Frame"><span id="frame"></span></div>
<div class="controls">${modes}</div>
</figure>`
}
