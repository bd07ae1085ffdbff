/**
 * Canny's edges: gradient by Sobel 3x3, its length as `|gx| + |gy|`, only maxima across the edge kept, weak edges kept where they
 * touch strong ones (8 neighbours). Edges repeated at the border; border pixels are never edges.
 *
 * @param gray `[height * width]`, 0..255.
 * @param low, high Thresholds of the gradient length; the measures use 40 and 100.
 * @returns A byte a pixel: 1 edge.
 * @see Canny, A computational approach to edge detection, PAMI 1986
 */
export function canny(gray: Float32Array, width: number, height: number, low = 40, high = 100): Uint8Array {
  const { gx, gy, length } = sobel(gray, width, height)
  const edges = new Uint8Array(gray.length)
  const strong: number[] = []
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x
      if (length[i]! <= low || !isRidge(gx[i]!, gy[i]!, length, i, width)) continue
      edges[i] = length[i]! > high ? 2 : 1
      if (edges[i] === 2) strong.push(i)
    }
  }
  return connect(edges, strong, width)
}

/** Marks of 2 are edges, and what is marked 1 and touches one; everything else goes. */
function connect(marks: Uint8Array, strong: number[], width: number): Uint8Array {
  const neighbours = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1]
  while (strong.length > 0) {
    const i = strong.pop()!
    for (const step of neighbours) {
      if (marks[i + step] !== 1) continue
      marks[i + step] = 2
      strong.push(i + step)
    }
  }
  for (let i = 0; i < marks.length; i++) marks[i] = marks[i] === 2 ? 1 : 0
  return marks
}

const slope = Math.tan(Math.PI / 8)

/** True where the gradient is longest across the edge; of two equal neighbours the first in order of reading is taken. */
function isRidge(gx: number, gy: number, length: Float32Array, i: number, width: number): boolean {
  const [ax, ay] = [Math.abs(gx), Math.abs(gy)]
  if (ay < ax * slope) return length[i]! > length[i - 1]! && length[i]! >= length[i + 1]!
  if (ax < ay * slope) return length[i]! > length[i - width]! && length[i]! >= length[i + width]!
  const side = gx < 0 === gy < 0 ? 1 : -1
  return length[i]! > length[i - width - side]! && length[i]! > length[i + width + side]!
}

function sobel(gray: Float32Array, width: number, height: number): { gx: Float32Array; gy: Float32Array; length: Float32Array } {
  const gx = new Float32Array(gray.length)
  const gy = new Float32Array(gray.length)
  const length = new Float32Array(gray.length)
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -width : 0
    const down = y < height - 1 ? width : 0
    for (let x = 0; x < width; x++, i++) {
      const left = x > 0 ? -1 : 0
      const right = x < width - 1 ? 1 : 0
      const [a, b, c] = [gray[i + up + left]!, gray[i + up]!, gray[i + up + right]!]
      const [d, f] = [gray[i + left]!, gray[i + right]!]
      const [g, h, k] = [gray[i + down + left]!, gray[i + down]!, gray[i + down + right]!]
      gx[i] = c + 2 * f + k - a - 2 * d - g
      gy[i] = g + 2 * h + k - a - 2 * b - c
      length[i] = Math.abs(gx[i]!) + Math.abs(gy[i]!)
    }
  }
  return { gx, gy, length }
}
