import { expect, test } from 'vitest'
import { framesInMemory, movingScene } from '../../test/scenes/moving-scene.ts'
import { decodeImage } from '../image/png.ts'
import { measure } from './measure.ts'
import { scriptJson } from './report/html.ts'
import { lineChart, niceTicks } from './report/line-chart.ts'
import { spread } from './report/pictures.ts'
import { renderReport } from './report.ts'
import { worstFrames } from './worst-frames.ts'
import { xtSlice } from './x-t-slice.ts'

const { source, steady, fresh, flow, width, height } = movingScene(12, 64, 48)
const glitched = steady.map((frame, t) => (t === 6 ? fresh[6]! : frame))

test('the page stands alone: pictures inside, nothing fetched, text escaped', async () => {
  const videos = { source: framesInMemory(source), result: framesInMemory(glitched), baseline: framesInMemory(fresh) }
  const measures = await measure({ ...videos, flow, keyframes: [0, 6] })
  const page = await renderReport({
    measures,
    ...videos,
    title: '<b>&"clip"',
    settings: [{ name: 'prompt', value: '</script><i>' }],
  })
  expect(page).not.toMatch(/(src|href)="(?!data:)/)
  expect(page).not.toMatch(/https?:|@import|url\(/)
  expect(page).toContain('&lt;b&gt;&amp;&quot;clip&quot;')
  expect(page).not.toContain('<i>')
  expect(page).not.toMatch(/\b(NaN|undefined|null ΔE)\b/)
  expect(page).toContain('One frame jumps out of line: 6.')

  const frames = JSON.parse(/<script type="application\/json" id="frames">(.*?)<\/script>/s.exec(page)![1]!) as {
    frame: number
    source: string
    result: string
    unguided: string
  }[]
  expect(frames.map((frame) => frame.frame)).toEqual(Array.from({ length: 12 }, (_, t) => t))
  const picture = await decodeImage(Buffer.from(frames[3]!.unguided.split(',')[1]!, 'base64'))
  expect([picture.width, picture.height]).toEqual([width, height])
  const error = picture.data.reduce((sum, value, i) => sum + Math.abs(value - fresh[3]!.data[i]!), 0) / picture.data.length
  expect(error).toBeLessThan(6)
})

test('a report without an unguided render has no ratios and no empty columns', async () => {
  const videos = { source: framesInMemory(source), result: framesInMemory(steady) }
  const page = await renderReport({ measures: await measure({ ...videos, flow }), ...videos })
  expect(page).not.toContain('data-against="')
  expect(page).not.toContain('>Unguided<')
  expect(page).not.toMatch(/\b(NaN|undefined)\b/)
})

test('the worst frame is the glitch, and its neighbours are not named again', async () => {
  const measures = await measure({ source: framesInMemory(source), result: framesInMemory(glitched), flow })
  const worst = worstFrames(measures.result, 3)
  expect([6, 7]).toContain(worst[0]!.frame)
  for (const [i, a] of worst.entries()) for (const b of worst.slice(i + 1)) expect(Math.abs(a.frame - b.frame)).toBeGreaterThan(2)
})

test('a slice stacks one row a frame', () => {
  const slice = xtSlice(width, 3)
  expect(() => slice.picture()).toThrow(RangeError)
  for (const frame of source.slice(0, 2)) slice.add(frame, 10)
  const picture = slice.picture()
  expect(picture.height).toBe(2)
  expect(picture.data.subarray(width * 3)).toEqual(source[1]!.data.subarray(10 * width * 3, 11 * width * 3))
  expect(() => slice.add(source[0]!, height)).toThrow(RangeError)
  slice.add(source[0]!, 0)
  expect(() => slice.add(source[0]!, 0)).toThrow(RangeError)
})

test('long clips show evenly spread frames, both ends among them', () => {
  expect([...spread(100, 4)]).toEqual([0, 33, 66, 99])
  expect([...spread(3, 10)]).toEqual([0, 1, 2])
})

test('a gap in a series is a gap in its line', () => {
  const chart = lineChart({
    title: 'a',
    meaning: 'b',
    unit: '',
    lines: [{ name: 'x', className: 'result', values: [1, 2, null, 3, 4] }],
  })
  expect(/class="line result" d="([^"]*)"/.exec(chart)![1]!.match(/[ML]/g)!.join('')).toBe('MLML')
})

test('ticks are round and reach the top of the data', () => {
  expect(niceTicks(10)).toEqual([0, 2.5, 5, 7.5, 10])
  expect(niceTicks(0.37)).toEqual([0, 0.1, 0.2, 0.30000000000000004])
  for (const highest of [1e-9, 0.02, 3, 77, 12345]) expect(niceTicks(highest).length).toBeGreaterThanOrEqual(3)
})

test('data in a script element cannot end it', () => {
  const json = scriptJson(['</script>'])
  expect(json).not.toContain('<')
  expect(JSON.parse(json)).toEqual(['</script>'])
})
