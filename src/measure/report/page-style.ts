/** The style of the page, light and dark. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #1c1d20; --soft: #5f636b; --line: #e2e2de; --track: #ecece8;
  --result: #1f5fd0; --unguided: #d0631b; --source: #8a8f98; --good: #1d7a46; --bad: #b3261e; --band: #1d7a4622;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131417; --card: #1c1e22; --ink: #e9eaec; --soft: #a0a4ac; --line: #2e3137; --track: #2a2d33;
    --result: #7aa9ff; --unguided: #f2a067; --source: #868c96; --good: #6fd39b; --bad: #ff8a80; --band: #6fd39b26;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; font-weight: 650; letter-spacing: -0.01em; overflow-wrap: anywhere }
h2 { font-size: 19px; margin: 0 0 4px; font-weight: 650 }
.lead, .about { color: var(--soft); margin: 0 0 16px; max-width: 76ch }
section { margin-top: 44px }
.settings { display: flex; flex-wrap: wrap; gap: 6px; margin: 14px 0 0; padding: 0; list-style: none }
.settings li { border: 1px solid var(--line); background: var(--card); border-radius: 6px; padding: 2px 9px; font-size: 13px; overflow-wrap: anywhere }
.settings b { font-weight: 500; color: var(--soft); margin-right: 5px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin-top: 26px }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; display: flex; flex-direction: column }
.big { font-size: 34px; line-height: 1.1; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums }
.big small { font-size: 16px; font-weight: 550; letter-spacing: 0; margin-left: 3px; color: var(--soft) }
.label { margin-top: 6px; font-weight: 550 }
.note { color: var(--soft); font-size: 13px }
.stage { display: grid; grid-template-columns: minmax(0, 1fr) 330px; gap: 28px; margin-top: 28px; align-items: start }
.view { margin: 0 }
#viewer { position: relative; overflow: hidden; border-radius: 10px; background: #000; --wipe: 50%; margin: 0; width: 100% }
#viewer img { position: absolute; inset: 0; width: 100%; height: 100%; display: block; -webkit-user-drag: none; user-select: none }
#viewer #right { clip-path: inset(0 0 0 var(--wipe)) }
#viewer .rule { position: absolute; top: 0; bottom: 0; left: var(--wipe); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px #0006; pointer-events: none }
#viewer .rule::after { content: '⇆'; position: absolute; top: 50%; left: 50%; translate: -50% -50%; width: 34px; height: 34px; border-radius: 50%; background: #fff; color: #222; display: grid; place-items: center; font-size: 17px; box-shadow: 0 1px 4px #0008 }
#viewer .tag { position: absolute; top: 10px; padding: 2px 9px; border-radius: 5px; background: #000a; color: #fff; font-size: 13px; pointer-events: none }
#viewer #left-name { left: 10px }
#viewer #right-name { right: 10px }
#wipe { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize }
#wipe:focus-visible ~ .rule { background: var(--result) }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 10px; margin-top: 12px }
.controls input { flex: 1; min-width: 140px; accent-color: var(--result) }
#frame { font-variant-numeric: tabular-nums; color: var(--soft); font-size: 13px; min-width: 118px; text-align: right }
button { font: inherit; font-size: 14px; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 4px 12px; cursor: pointer }
button:hover { border-color: var(--soft) }
button[aria-pressed='true'] { background: var(--ink); color: var(--page); border-color: var(--ink) }
:focus-visible { outline: 2px solid var(--result); outline-offset: 2px }
aside h2 { margin-bottom: 8px }
.findings { margin: 0; padding: 0; list-style: none }
.findings li { padding: 9px 0 9px 24px; border-top: 1px solid var(--line); position: relative }
.findings li:first-child { border-top: 0 }
.findings li::before { content: '!'; position: absolute; left: 0; top: 11px; width: 16px; height: 16px; border-radius: 50%; background: var(--bad); color: var(--card); font: 700 11px/16px system-ui, sans-serif; text-align: center }
.fine { padding-left: 24px; position: relative; margin: 0 }
.fine::before { content: '✓'; position: absolute; left: 0; color: var(--good); font-weight: 700 }
.notes { color: var(--soft); font-size: 13px; margin: 16px 0 0; padding-left: 18px }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 550; font-size: 13px; color: var(--soft) }
.scroll th, .scroll td { padding: 9px 12px; border-top: 1px solid var(--line); vertical-align: top }
.scroll thead th { border-top: 0; white-space: nowrap }
.group th { color: var(--ink); font-weight: 650; padding-top: 16px !important }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
th.num { text-align: right }
.strong { font-weight: 600 }
.name { display: block; font-weight: 550 }
.meaning { display: block; color: var(--soft); font-size: 13px; max-width: 52ch }
.goal { white-space: nowrap; font-size: 13px; color: var(--soft) }
.ok { color: var(--good); font-weight: 700; margin-left: 4px }
.off { color: var(--bad); font-weight: 650; margin-left: 4px }
.wide { min-width: 150px; width: 190px }
.bar { display: block; position: relative; height: 10px; margin-top: 7px; border-radius: 3px; background: var(--track) }
.bar .band { position: absolute; top: -3px; bottom: -3px; background: var(--band); border-radius: 3px }
.bar .fill { position: absolute; top: 2px; bottom: 2px; left: 0; min-width: 2px; border-radius: 2px; background: var(--result) }
.bar .fill.bad { background: var(--bad) }
.bar .one { position: absolute; left: 50%; top: -3px; bottom: -3px; width: 1px; background: var(--soft) }
details { margin-top: 12px }
summary { cursor: pointer; color: var(--soft); padding: 4px 0 }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px }
.chart { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0 }
.unit, .faint { color: var(--soft); font-size: 13px }
.chart .meaning { max-width: none; margin-bottom: 8px }
.plot { position: relative }
svg { display: block; width: 100%; height: auto; cursor: crosshair }
.grid { stroke: var(--line) }
.tick { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
.line.result { stroke-width: 2.2 }
.result { stroke: var(--result) } .unguided { stroke: var(--unguided) } .source { stroke: var(--source) }
.line.source { stroke-dasharray: 4 3 }
.other-0 { stroke: #9356c9 } .other-1 { stroke: #2f9e8f } .other-2 { stroke: #b08a1e }
.now { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3 }
.cursor { stroke: var(--ink); stroke-width: 1; opacity: 0 }
.tip { position: absolute; top: 4px; white-space: pre; pointer-events: none; background: var(--ink); color: var(--page); font-size: 12px; line-height: 1.45; padding: 5px 9px; border-radius: 6px; font-variant-numeric: tabular-nums }
.legend { display: flex; flex-wrap: wrap; gap: 16px; margin: 0 0 12px; font-size: 14px }
.key { display: inline-block; width: 18px; height: 3px; border-radius: 2px; margin-right: 7px; vertical-align: middle }
.key.result { background: var(--result) } .key.unguided { background: var(--unguided) } .key.source { background: var(--source) }
.key.other-0 { background: #9356c9 } .key.other-1 { background: #2f9e8f } .key.other-2 { background: #b08a1e }
.bars th { padding-right: 12px; white-space: nowrap; font-variant-numeric: tabular-nums }
.bars td { padding: 3px 0 3px 12px }
.bars .wide { width: 60%; padding-left: 0 }
.bars .bar { margin-top: 0 }
.slices { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 16px }
.slices figure, .worst { margin: 0 }
.slices img { width: 100%; height: 300px; object-fit: fill; border-radius: 8px; display: block; image-rendering: pixelated }
.slices figcaption { margin-top: 6px; font-weight: 550 }
.worsts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 20px }
.pair { display: flex; gap: 4px }
.pair img { flex: 1; min-width: 0; width: 0; border-radius: 6px; display: block }
.worst figcaption { margin-top: 6px }
footer { margin-top: 52px; padding-top: 18px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px }
footer p { max-width: 84ch; margin: 0 0 8px }
@media (max-width: 900px) { .stage { grid-template-columns: minmax(0, 1fr) } main { padding: 22px 16px 48px } }
@media print { .controls, details summary { display: none } }
`
