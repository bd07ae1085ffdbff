import { expect, test } from 'vitest'
import { blankFrame, type Frame, type Plane } from '../image/frame.ts'
import { controlKinds, controlMap } from './control-map.ts'
import { lineArt } from './line-art.ts'
import { clearLines } from './lines.ts'
import { softEdge } from './soft-edge.ts'

const [width, height] = [160, 120]

function drawn(colour: (x: number, y: number) => readonly [number, number, number]): Frame {
  const frame = blankFrame(width, height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) frame.data.set(colour(x, y), (y * width + x) * 3)
  return frame
}

const even = drawn(() => [120, 130, 140])
const slope = drawn((x) => [x / 2 + 60, x / 2 + 60, x / 2 + 60])
/** A dark line from top to bottom, 3 pixels wide, on a background of a grey level. */
const line = (back: number, depth: number): Frame =>
  drawn((x) => (Math.abs(x - 80) <= 1 ? [back - depth, back - depth, back - depth] : [back, back, back]))
const step = drawn((x) => (x < 80 ? [60, 60, 60] : [200, 200, 200]))
/** Red against green of the same luma. */
const coloured = drawn((x) => (x < 80 ? [200, 40, 40] : [40, 122, 40]))

const row = ({ data }: Plane, y = 60): Float32Array => data.subarray(y * width, (y + 1) * width)
const most = (values: Float32Array): number => values.reduce((a, b) => Math.max(a, b), 0)

test.each(controlKinds.filter((kind) => kind !== 'tile'))(
  '%s is empty where nothing is, and in 0..1 and grey elsewhere',
  (kind) => {
    expect(most(controlMap(kind, even).data)).toBe(0)
    const { data, ...size } = controlMap(kind, step)
    expect(size).toEqual({ width, height })
    expect(most(data)).toBeGreaterThan(0.5)
    for (let i = 0; i < data.length; i += 3) {
      expect(data[i]! >= 0 && data[i]! <= 1).toBe(true)
      expect(data[i] === data[i + 1] && data[i] === data[i + 2]).toBe(true)
    }
  },
)

test('tile is the frame itself', () => {
  expect(controlMap('tile', step).data[0]).toBeCloseTo(60 / 255, 6)
})

test('line art draws dark lines where they are, in light and in dark scenes, and no slopes', () => {
  for (const frame of [line(220, 120), line(60, 40)]) {
    const values = row(lineArt(frame))
    expect(values[80]).toBeGreaterThan(0.9)
    expect(most(values.subarray(0, 74))).toBe(0)
    expect(most(values.subarray(87))).toBe(0)
  }
  expect(most(lineArt(slope).data)).toBeLessThan(0.05)
})

test('line art draws contours that only colour shows, on their dark side', () => {
  const values = row(lineArt(coloured))
  expect(most(values.subarray(76, 84))).toBeGreaterThan(0.5)
  expect(most(values.subarray(0, 70)) + most(values.subarray(90))).toBe(0)
})

test('line art at one place does not depend on what is elsewhere', () => {
  const both = drawn((x) =>
    Math.abs(x - 80) <= 1 ? [100, 100, 100] : x > 130 ? [((x * 37) % 200) + 20, 20, 20] : [220, 220, 220],
  )
  const [alone, together] = [row(lineArt(line(220, 120))), row(lineArt(both))]
  for (let x = 70; x < 90; x++) expect(together[x]).toBeCloseTo(alone[x]!, 3)
})

test('a soft edge is widest and brightest at the edge, and higher steps are brighter', () => {
  const values = row(softEdge(step))
  expect(most(values)).toBe(Math.max(values[79]!, values[80]!))
  for (let x = 81; x < 95; x++) expect(values[x]).toBeLessThanOrEqual(values[x - 1]!)
  expect(values[95]).toBeLessThan(0.05)
  const low = drawn((x) => (x < 80 ? [60, 60, 60] : [90, 90, 90]))
  expect(row(softEdge(low))[80]).toBeLessThan(values[80]! - 0.2)
})

test('of lines, those remain that are somewhere clear and long enough', () => {
  const data = new Float32Array(20 * 8)
  const put = (y: number, from: number, to: number, value: number): void => void data.fill(value, y * 20 + from, y * 20 + to)
  put(1, 0, 12, 0.3)
  data[1 * 20 + 5] = 0.9
  put(4, 0, 12, 0.3)
  put(6, 2, 4, 1)
  const kept = clearLines({ width: 20, height: 8, data }, 0.2, 0.6, 4)
  expect([...kept.data.subarray(20, 32)]).toEqual([...data.subarray(20, 32)])
  expect(most(kept.data.subarray(60))).toBe(0)
})
