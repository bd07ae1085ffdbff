/** The script of the page: viewer, frame slider, cursor in the charts. Reads the pictures from `#frames`. */
export const pageScript = `
'use strict'
const frames = JSON.parse(document.getElementById('frames').textContent)
const at = (id) => document.getElementById(id)
const [viewer, left, right, wipe, scrub, play, label, leftName] = ['viewer', 'left', 'right', 'wipe', 'scrub', 'play', 'frame', 'left-name'].map(at)
let current = 0
let against = 'source'
let timer = 0
const show = () => {
  const frame = frames[current]
  left.src = frame[against]
  right.src = frame.result
  scrub.value = current
  leftName.textContent = against
  label.textContent = 'frame ' + frame.frame + ' · ' + frame.time.toFixed(2) + ' s'
  for (const svg of document.querySelectorAll('[data-chart]')) {
    const chart = JSON.parse(svg.dataset.chart)
    const x = chart.left + (frame.frame / (chart.frames - 1)) * (chart.right - chart.left)
    const line = svg.querySelector('.now')
    line.setAttribute('x1', x)
    line.setAttribute('x2', x)
  }
}
const stop = () => {
  clearInterval(timer)
  timer = 0
  play.textContent = 'Play'
}
const goTo = (number) => {
  let best = 0
  for (let i = 1; i < frames.length; i++)
    if (Math.abs(frames[i].frame - number) < Math.abs(frames[best].frame - number)) best = i
  current = best
  stop()
  show()
}
wipe.addEventListener('input', () => viewer.style.setProperty('--wipe', wipe.value + '%'))
scrub.addEventListener('input', () => { stop(); current = Number(scrub.value); show() })
play.addEventListener('click', () => {
  if (timer) return stop()
  play.textContent = 'Pause'
  const step = frames.length > 1 ? (frames[frames.length - 1].time - frames[0].time) / (frames.length - 1) : 0.1
  timer = setInterval(() => { current = (current + 1) % frames.length; show() }, Math.max(40, Math.min(400, step * 1000)))
})
for (const button of document.querySelectorAll('[data-against]'))
  button.addEventListener('click', () => {
    against = button.dataset.against
    for (const other of document.querySelectorAll('[data-against]')) other.setAttribute('aria-pressed', String(other === button))
    show()
  })
for (const svg of document.querySelectorAll('[data-chart]')) {
  const chart = JSON.parse(svg.dataset.chart)
  const tip = svg.parentElement.querySelector('.tip')
  const cursor = svg.querySelector('.cursor')
  const frameAt = (event) => {
    const box = svg.getBoundingClientRect()
    const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width
    return Math.max(0, Math.min(chart.frames - 1, Math.round(((x - chart.left) / (chart.right - chart.left)) * (chart.frames - 1))))
  }
  svg.addEventListener('pointermove', (event) => {
    const frame = frameAt(event)
    const x = chart.left + (frame / (chart.frames - 1)) * (chart.right - chart.left)
    cursor.setAttribute('x1', x)
    cursor.setAttribute('x2', x)
    cursor.style.opacity = 1
    tip.hidden = false
    tip.textContent = ['frame ' + frame, ...chart.lines.map((line) => line.name + ' ' + (line.values[frame] ?? '–'))].join('\\n')
    const share = x / svg.viewBox.baseVal.width
    tip.style.left = share * 100 + '%'
    tip.style.transform = share > 0.6 ? 'translateX(calc(-100% - 10px))' : 'translateX(10px)'
  })
  svg.addEventListener('pointerleave', () => { tip.hidden = true; cursor.style.opacity = 0 })
  svg.addEventListener('click', (event) => goTo(frameAt(event)))
}
show()
`
