import { expect, test } from 'vitest'
import { drawText } from './bitmap-font.ts'
import { contactSheet } from './contact-sheet.ts'
import { blankFrame, type Frame } from './frame.ts'

function plain(width: number, height: number, value: number): Frame {
  return { width, height, data: new Uint8Array(width * height * 3).fill(value) }
}

const at = (frame: Frame, x: number, y: number): number => frame.data[(y * frame.width + x) * 3]!

test('every picture stands whole in its cell, below its label, and both sides are even', () => {
  const sheet = contactSheet(
    [
      { image: plain(31, 20, 100), label: 'source' },
      { image: plain(31, 20, 150), label: 'result' },
      { image: plain(31, 20, 200), label: '' },
    ],
    { columns: 2, gap: 3 },
  )
  expect([sheet.width, sheet.height]).toEqual([72, 72])
  for (const [x, y, value] of [
    [3, 14, 100],
    [37, 14, 150],
    [3, 48, 200],
  ] as const)
    for (const [dx, dy] of [
      [0, 0],
      [30, 19],
    ] as const)
      expect(at(sheet, x + dx, y + dy)).toBe(value)
  expect(at(sheet, 2, 14)).toBe(24)
  expect(at(sheet, 34, 14)).toBe(24)
})

test('a smaller picture stands in the middle', () => {
  const sheet = contactSheet(
    [
      { image: plain(20, 20, 50), label: '' },
      { image: plain(10, 8, 90), label: '' },
    ],
    { gap: 2 },
  )
  expect(at(sheet, 29, 8)).toBe(90)
  expect(at(sheet, 38, 15)).toBe(90)
  expect(at(sheet, 28, 8)).toBe(24)
})

test('letters are drawn from their dots, also in lower case, and are cut at the border', () => {
  const frame = blankFrame(7, 7)
  drawText(frame, 't', 1, 0, 1, [255, 255, 255])
  const rows = Array.from({ length: 7 }, (_, y) =>
    Array.from({ length: 7 }, (__, x) => (at(frame, x, y) > 0 ? '#' : '.')).join(''),
  )
  expect(rows).toEqual(['.#####.', '...#...', '...#...', '...#...', '...#...', '...#...', '...#...'])
  expect(() => drawText(frame, 'WWW', -3, 4, 2, [255, 255, 255])).not.toThrow()
})

test('a label that is too long does not run into its neighbour', () => {
  const cells = [
    { image: plain(40, 10, 0), label: 'a very long label indeed' },
    { image: plain(40, 10, 0), label: '' },
  ]
  const sheet = contactSheet(cells, { gap: 2 })
  for (let y = 0; y < 13; y++) for (let x = 42; x < sheet.width; x++) expect(at(sheet, x, y)).toBe(24)
})

test('refuses an empty sheet and odd numbers of columns', () => {
  expect(() => contactSheet([])).toThrow(RangeError)
  expect(() => contactSheet([{ image: plain(2, 2, 0), label: '' }], { columns: 0 })).toThrow(RangeError)
})
