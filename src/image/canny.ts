/**
 * Canny's edges: gradient by Sobel 3x3 (edges of the picture repeated), its length as `|gx| + |gy|`, only maxima across the edge kept, weak
 * edges kept where they touch strong ones (8 neighbours). Outside the picture the gradient is 0. Equals OpenCV on 8-bit values.
 *
 * @param gray `[height * width]`, 0..255.
 * @param low, high Thresholds of the gradient's length; the measures use 40 and 100.
 * @returns A byte a pixel: 1 edge.
 * @see Canny, A computational approach to edge detection, PAMI 1986
 */
export function canny(gray: Float32Array, width: number, height: number, low = 40, high = 100): Uint8Array {
  const stride = width + 2
  const { gx, gy, length } = sobel(gray, width, height)
  const marks = new Uint8Array(length.length)
  const strong: number[] = []
  for (let y = 1; y <= height; y++) {
    for (let x = 1; x <= width; x++) {
      const i = y * stride + x
      if (length[i]! <= low || !isRidge(gx[i]!, gy[i]!, length, i, stride)) continue
      marks[i] = length[i]! > high ? 2 : 1
      if (marks[i] === 2) strong.push(i)
    }
  }
  connect(marks, strong, stride)
  const edges = new Uint8Array(gray.length)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) edges[i] = marks[(y + 1) * stride + x + 1] === 2 ? 1 : 0
  return edges
}

/** Turns every 1 that touches a 2 into a 2. */
function connect(marks: Uint8Array, strong: number[], stride: number): void {
  const neighbours = [-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1]
  while (strong.length > 0) {
    const i = strong.pop()!
    for (const step of neighbours) {
      if (marks[i + step] !== 1) continue
      marks[i + step] = 2
      strong.push(i + step)
    }
  }
}

const slope = Math.tan(Math.PI / 8)

/** True where the gradient is longest across the edge; of two equal neighbours the first in order of reading is taken. */
function isRidge(gx: number, gy: number, length: Float32Array, i: number, stride: number): boolean {
  const [ax, ay] = [Math.abs(gx), Math.abs(gy)]
  if (ay < ax * slope) return length[i]! > length[i - 1]! && length[i]! >= length[i + 1]!
  if (ax < ay * slope) return length[i]! > length[i - stride]! && length[i]! >= length[i + stride]!
  const side = gx < 0 === gy < 0 ? 1 : -1
  return length[i]! > length[i - stride - side]! && length[i]! > length[i + stride + side]!
}

/** Gradients with a border of one 0 around: rows are `width + 2` long. */
function sobel(gray: Float32Array, width: number, height: number): { gx: Float32Array; gy: Float32Array; length: Float32Array } {
  const size = (width + 2) * (height + 2)
  const gx = new Float32Array(size)
  const gy = new Float32Array(size)
  const length = new Float32Array(size)
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -width : 0
    const down = y < height - 1 ? width : 0
    for (let x = 0, to = (y + 1) * (width + 2) + 1; x < width; x++, i++, to++) {
      const left = x > 0 ? -1 : 0
      const right = x < width - 1 ? 1 : 0
      const [a, b, c] = [gray[i + up + left]!, gray[i + up]!, gray[i + up + right]!]
      const [d, f] = [gray[i + left]!, gray[i + right]!]
      const [g, h, k] = [gray[i + down + left]!, gray[i + down]!, gray[i + down + right]!]
      gx[to] = c + 2 * f + k - a - 2 * d - g
      gy[to] = g + 2 * h + k - a - 2 * b - c
      length[to] = Math.abs(gx[to]!) + Math.abs(gy[to]!)
    }
  }
  return { gx, gy, length }
}
