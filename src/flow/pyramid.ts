/** Pixels by which pictures are continued outwards (edges repeated), so that patches and filters may reach over the edge without tests. */
export const border = 12

/** Sides of a level and how its padded arrays lie: pixel (x, y) is at `origin + y * stride + x`; arrays hold `length` values. */
export interface LevelShape {
  readonly width: number
  readonly height: number
  readonly stride: number
  readonly origin: number
  readonly length: number
}

export function levelShape(width: number, height: number): LevelShape {
  const stride = width + 2 * border
  return { width, height, stride, origin: border * stride + border, length: stride * (height + 2 * border) }
}

/** Copies a picture without border into a padded array. */
export function pad(from: ArrayLike<number>, to: Float32Array, shape: LevelShape): void {
  const { width, height, stride, origin } = shape
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) to[origin + y * stride + x] = from[y * width + x]!
  repeatEdges(to, shape)
}

/** Halves by means of 2x2 pixels; an odd last row or column is left out. */
export function halve(from: Float32Array, fromShape: LevelShape, to: Float32Array, toShape: LevelShape): void {
  for (let y = 0; y < toShape.height; y++) {
    let q = fromShape.origin + 2 * y * fromShape.stride
    const p = toShape.origin + y * toShape.stride
    const below = fromShape.stride
    for (let x = 0; x < toShape.width; x++, q += 2)
      to[p + x] = 0.25 * (from[q]! + from[q + 1]! + from[q + below]! + from[q + below + 1]!)
  }
  repeatEdges(to, toShape)
}

/** Fills the border with the nearest pixel. */
export function repeatEdges(data: Float32Array, shape: LevelShape, reach: number = border): void {
  const { width, height, stride, origin } = shape
  for (let y = 0; y < height; y++) {
    const row = origin + y * stride
    data.fill(data[row]!, row - reach, row)
    data.fill(data[row + width - 1]!, row + width, row + width + reach)
  }
  const first = origin - reach
  const last = origin + (height - 1) * stride - reach
  for (let k = 1; k <= reach; k++) {
    data.copyWithin(first - k * stride, first, first + width + 2 * reach)
    data.copyWithin(last + k * stride, last, last + width + 2 * reach)
  }
}

/** Doubles a flow component onto the next finer level: bilinear, and vectors twice as long. */
export function doubleFlow(from: Float32Array, fromShape: LevelShape, to: Float32Array, toShape: LevelShape): void {
  repeatEdges(from, fromShape, 1)
  for (let y = 0; y < toShape.height; y++) {
    const near = fromShape.origin + Math.min(y >> 1, fromShape.height - 1) * fromShape.stride
    const far = near + (y % 2 === 0 ? -fromShape.stride : fromShape.stride)
    const row = toShape.origin + y * toShape.stride
    for (let x = 0; x < toShape.width; x++) {
      const k = Math.min(x >> 1, fromShape.width - 1)
      const side = x % 2 === 0 ? k - 1 : k + 1
      to[row + x] = 1.125 * from[near + k]! + 0.375 * (from[near + side]! + from[far + k]!) + 0.125 * from[far + side]!
    }
  }
}
