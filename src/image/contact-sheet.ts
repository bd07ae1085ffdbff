import { drawText, glyphHeight, glyphWidth, textWidth } from './bitmap-font.ts'
import { blankFrame, type Frame } from './frame.ts'

/** A picture of a sheet with the words above it. */
export interface SheetCell {
  readonly image: Frame
  readonly label: string
}

/** How a sheet is laid out. */
export interface SheetOptions {
  /** Pictures a row; default all in one row. */
  readonly columns?: number
  /** Pixels between pictures and around them; default 4. */
  readonly gap?: number
  /** Pixels a dot of the 5x7 letters; default by the height of the pictures, 1 up to 270, 2 up to 450 and so on. */
  readonly labelScale?: number
}

const paper = 24
const ink: readonly [number, number, number] = [232, 232, 232]

/**
 * Lays labelled pictures out in a grid on dark paper. Cells are as large as the largest picture; smaller ones stand in the middle. Labels that
 * are too long are cut. Both sides of the sheet are even, as video codecs want them.
 *
 * @throws RangeError if there are no cells or `columns` is not a positive whole number.
 */
export function contactSheet(cells: readonly SheetCell[], options: SheetOptions = {}): Frame {
  if (cells.length === 0) throw new RangeError('A contact sheet needs at least one cell.')
  const columns = Math.min(options.columns ?? cells.length, cells.length)
  if (!Number.isInteger(columns) || columns < 1) throw new RangeError(`columns must be a positive whole number, got ${columns}.`)
  const gap = options.gap ?? 4
  const width = Math.max(...cells.map((cell) => cell.image.width))
  const height = Math.max(...cells.map((cell) => cell.image.height))
  const scale = options.labelScale ?? Math.max(1, Math.round(height / 180))
  const strip = cells.every((cell) => cell.label === '') ? 0 : (glyphHeight + 4) * scale
  const rows = Math.ceil(cells.length / columns)
  const sheet = blankFrame(even(columns * (width + gap) + gap), even(rows * (height + strip + gap) + gap))
  sheet.data.fill(paper)
  for (const [i, { image, label }] of cells.entries()) {
    const x = gap + (i % columns) * (width + gap)
    const y = gap + Math.floor(i / columns) * (height + strip + gap)
    drawText(sheet, shortened(label, width, scale), x, y + 2 * scale, scale, ink)
    paste(sheet, image, x + Math.floor((width - image.width) / 2), y + strip + Math.floor((height - image.height) / 2))
  }
  return sheet
}

function shortened(label: string, width: number, scale: number): string {
  if (textWidth(label, scale) <= width) return label
  const letters = Math.max(0, Math.floor((width / scale + 1) / (glyphWidth + 1)) - 2)
  return Array.from(label).slice(0, letters).join('').trimEnd() + '..'
}

function paste(sheet: Frame, image: Frame, x: number, y: number): void {
  const row = image.width * 3
  for (let k = 0; k < image.height; k++)
    sheet.data.set(image.data.subarray(k * row, (k + 1) * row), ((y + k) * sheet.width + x) * 3)
}

function even(side: number): number {
  return side + (side % 2)
}
