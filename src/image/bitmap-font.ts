import type { Frame } from './frame.ts'

/** Sides of a glyph in its own dots; text advances by one dot more. */
export const glyphWidth = 5
export const glyphHeight = 7

/** Seven rows a glyph, top down, one base-32 digit each: five dots, the left one being 16. Capitals only. */
const glyphs: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hpljhhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh1248v',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124888',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  ' ': '0000000',
  '.': '00000cc',
  ',': '0000c48',
  ':': '0cc0cc0',
  '-': '000e000',
  '+': '044v440',
  '/': '01248g0',
  '%': 'op248j3',
  '(': '2488842',
  ')': '8422248',
  _: '000000v',
  '=': '00v0v00',
  '|': '4444444',
  '!': '4444404',
  '?': 'eh12404',
  '#': 'aavavaa',
  '×': '0ha4ah0',
  "'": '4480000',
  '"': 'aaa0000',
  '<': '248g842',
  '>': '8421248',
  '*': '04lel40',
}

const unknown = 'vhhhhhv'

/** Width of a text in pixels. @param scale Pixels a dot. */
export function textWidth(text: string, scale: number): number {
  const letters = Array.from(text).length
  return letters === 0 ? 0 : (letters * (glyphWidth + 1) - 1) * scale
}

/**
 * Writes a text into a frame with the built-in font (capitals; what it lacks becomes a box), so that labels need no font of the system.
 * What lies outside the frame is cut off.
 *
 * @param x, y Upper left corner. @param scale Pixels a dot, a whole number.
 */
export function drawText(
  frame: Frame,
  text: string,
  x: number,
  y: number,
  scale: number,
  color: readonly [number, number, number],
): void {
  for (const [place, letter] of Array.from(text.toUpperCase()).entries()) {
    const rows = glyphs[letter] ?? unknown
    const left = x + place * (glyphWidth + 1) * scale
    for (let row = 0; row < glyphHeight; row++) {
      const dots = parseInt(rows[row]!, 32)
      for (let dot = 0; dot < glyphWidth; dot++)
        if ((dots >> (glyphWidth - 1 - dot)) & 1) fillSquare(frame, left + dot * scale, y + row * scale, scale, color)
    }
  }
}

function fillSquare(frame: Frame, x: number, y: number, side: number, color: readonly [number, number, number]): void {
  for (let py = Math.max(0, y); py < Math.min(frame.height, y + side); py++)
    for (let px = Math.max(0, x); px < Math.min(frame.width, x + side); px++) frame.data.set(color, (py * frame.width + px) * 3)
}
