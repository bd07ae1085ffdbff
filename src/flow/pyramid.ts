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

/** Halves with the binomial filter (1, 3, 3, 1) / 8 each way; an odd last row or column only lends its weight. */
export function halve(
  from: Float32Array,
  fromShape: LevelShape,
  to: Float32Array,
  toShape: LevelShape,
  line: Float32Array,
): void {
  const { stride, origin } = fromShape
  const length = 2 * toShape.width + 2
  for (let y = 0; y < toShape.height; y++) {
    const above = origin + (2 * y - 1) * stride - 1
    for (let x = 0, q = above; x < length; x++, q++)
      line[x] = from[q]! + from[q + 3 * stride]! + 3 * (from[q + stride]! + from[q + 2 * stride]!)
    const row = toShape.origin + y * toShape.stride
    for (let x = 0, k = 0; x < toShape.width; x++, k += 2)
      to[row + x] = (line[k]! + line[k + 3]! + 3 * (line[k + 1]! + line[k + 2]!)) / 64
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
  repeatEdges(from, fromShape, 2)
  for (let y = 0; y < toShape.height; y++) {
    const near = fromShape.origin + (y >> 1) * fromShape.stride
    const far = y % 2 === 0 ? -fromShape.stride : fromShape.stride
    const start = toShape.origin + y * toShape.stride
    const end = start + toShape.width
    let last = 0.75 * from[near - 1]! + 0.25 * from[near + far - 1]!
    let value = 0.75 * from[near]! + 0.25 * from[near + far]!
    // An odd width writes one pixel into the border.
    for (let i = start, q = near + 1; i < end; i += 2, q++) {
      const next = 0.75 * from[q]! + 0.25 * from[q + far]!
      to[i] = 1.5 * value + 0.5 * last
      to[i + 1] = 1.5 * value + 0.5 * next
      last = value
      value = next
    }
  }
}
