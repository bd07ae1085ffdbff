import type { LevelShape } from './pyramid.ts'

export const patchSize = 8
const area = patchSize * patchSize
/** Added to the diagonal of the Hessian, as if each pixel had one more grey level of slope: keeps patches from sliding where they see no structure. */
const damping = area

/** A grid of patches over a level, `columns * rows`; the last column and row lie flush with the far edges. `u`, `v`: found motion, pixels. */
export interface PatchGrid {
  readonly columns: number
  readonly rows: number
  /** Left and top pixel of each column and row of patches. */
  readonly left: Int32Array
  readonly top: Int32Array
  readonly u: Float32Array
  readonly v: Float32Array
}

export function patchGrid(shape: LevelShape, stride: number): PatchGrid {
  const left = patchStarts(shape.width, stride)
  const top = patchStarts(shape.height, stride)
  const count = left.length * top.length
  return { columns: left.length, rows: top.length, left, top, u: new Float32Array(count), v: new Float32Array(count) }
}

function patchStarts(side: number, stride: number): Int32Array {
  const last = Math.max(side - patchSize, 0)
  return Int32Array.from({ length: Math.ceil(last / stride) + 1 }, (_, i) => Math.min(i * stride, last))
}

// Scratch of one patch, filled and used within one call.
const template = new Float64Array(area)
const slopeX = new Float64Array(area)
const slopeY = new Float64Array(area)
const step = new Float64Array(2)

/**
 * Finds the motion of every patch of picture 0 in picture 1: two sweeps over the grid (forth and back), each taking over a neighbour's motion
 * where it fits better and then improving it by inverse compositional Gauss-Newton steps on the mean-removed squared difference.
 *
 * @param image0 @param image1 Padded grey pictures, 0..255.
 * @param u @param v Padded dense flow to begin with.
 * @param grid Gets the result.
 * @see Kroeger, Timofte, Dai, Van Gool, ECCV 2016 (inverse search); Baker, Matthews 2004 (inverse compositional)
 */
export function searchPatches(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  u: Float32Array,
  v: Float32Array,
  grid: PatchGrid,
  iterations: number,
): void {
  const { columns, rows } = grid
  const { stride, origin } = shape
  const half = patchSize >> 1
  for (let j = 0, p = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++, p++) {
      const centre =
        origin + Math.min(grid.top[j]! + half, shape.height - 1) * stride + Math.min(grid.left[i]! + half, shape.width - 1)
      grid.u[p] = u[centre]!
      grid.v[p] = v[centre]!
    }
  }
  for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) searchPatch(shape, image0, image1, grid, i, j, -1, iterations)
  for (let j = rows - 1; j >= 0; j--)
    for (let i = columns - 1; i >= 0; i--) searchPatch(shape, image0, image1, grid, i, j, 1, iterations)
}

function searchPatch(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  grid: PatchGrid,
  i: number,
  j: number,
  side: 1 | -1,
  iterations: number,
): void {
  const { columns, rows } = grid
  const x0 = grid.left[i]!
  const y0 = grid.top[j]!
  const p = j * columns + i
  let bestU = grid.u[p]!
  let bestV = grid.v[p]!
  loadTemplate(image0, shape.origin + y0 * shape.stride + x0, shape.stride)
  let best = patchError(shape, image1, x0 + bestU, y0 + bestV)
  let changed = side < 0
  if (i + side >= 0 && i + side < columns) {
    const q = p + side
    const error = patchError(shape, image1, x0 + grid.u[q]!, y0 + grid.v[q]!)
    if (error < best) {
      best = error
      bestU = grid.u[q]!
      bestV = grid.v[q]!
      changed = true
    }
  }
  if (j + side >= 0 && j + side < rows) {
    const q = p + side * columns
    const error = patchError(shape, image1, x0 + grid.u[q]!, y0 + grid.v[q]!)
    if (error < best) {
      best = error
      bestU = grid.u[q]!
      bestV = grid.v[q]!
      changed = true
    }
  }
  if (!changed) return
  descend(shape, image0, image1, x0, y0, bestU, bestV, iterations)
  grid.u[p] = step[0]!
  grid.v[p] = step[1]!
}

function loadTemplate(image0: Float32Array, at: number, stride: number): void {
  for (let b = 0, k = 0, q = at; b < patchSize; b++, q += stride - patchSize)
    for (let a = 0; a < patchSize; a++, k++, q++) template[k] = image0[q]!
}

/** Gauss-Newton from (u, v); leaves the best motion in `step`. */
function descend(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  x0: number,
  y0: number,
  startU: number,
  startV: number,
  iterations: number,
): void {
  const { stride, origin } = shape
  let sumX = 0
  let sumY = 0
  for (let b = 0, k = 0, q = origin + y0 * stride + x0; b < patchSize; b++, q += stride - patchSize) {
    for (let a = 0; a < patchSize; a++, k++, q++) {
      const nw = image0[q - stride - 1]!
      const ne = image0[q - stride + 1]!
      const sw = image0[q + stride - 1]!
      const se = image0[q + stride + 1]!
      const gx = 0.125 * (ne - nw + se - sw) + 0.25 * (image0[q + 1]! - image0[q - 1]!)
      const gy = 0.125 * (sw - nw + se - ne) + 0.25 * (image0[q + stride]! - image0[q - stride]!)
      slopeX[k] = gx
      slopeY[k] = gy
      sumX += gx
      sumY += gy
    }
  }
  let xx = damping
  let xy = 0
  let yy = damping
  for (let k = 0; k < area; k++) {
    const gx = slopeX[k]! - sumX / area
    const gy = slopeY[k]! - sumY / area
    slopeX[k] = gx
    slopeY[k] = gy
    xx += gx * gx
    xy += gx * gy
    yy += gy * gy
  }
  const determinant = xx * yy - xy * xy
  let bestU = startU
  let bestV = startV
  let u = startU
  let v = startV
  let previous = Infinity
  for (let n = 0; n < iterations; n++) {
    const error = patchErrorAndSlope(shape, image1, x0 + u, y0 + v)
    if (error >= previous) break
    bestU = u
    bestV = v
    previous = error
    const du = (yy * step[0]! - xy * step[1]!) / determinant
    const dv = (xx * step[1]! - xy * step[0]!) / determinant
    u -= du
    v -= dv
    if (du * du + dv * dv < 1e-4) break
  }
  if ((bestU - startU) * (bestU - startU) + (bestV - startV) * (bestV - startV) > area) {
    bestU = startU
    bestV = startV
  }
  step[0] = bestU
  step[1] = bestV
}

/** Mean-removed squared difference of the template and picture 1 at (x, y). */
function patchError(shape: LevelShape, image1: Float32Array, x: number, y: number): number {
  const px = Math.min(Math.max(x, -patchSize), shape.width)
  const py = Math.min(Math.max(y, -patchSize), shape.height)
  const xi = Math.floor(px)
  const yi = Math.floor(py)
  const fx = px - xi
  const fy = py - yi
  const gx = 1 - fx
  const gy = 1 - fy
  const { stride } = shape
  let sum = 0
  let squares = 0
  for (let b = 0, k = 0, q = shape.origin + yi * stride + xi; b < patchSize; b++, q += stride - patchSize) {
    let near = image1[q]! * gy + image1[q + stride]! * fy
    for (let a = 0; a < patchSize; a++, k++) {
      q++
      const next = image1[q]! * gy + image1[q + stride]! * fy
      const d = near * gx + next * fx - template[k]!
      near = next
      sum += d
      squares += d * d
    }
  }
  return squares - (sum * sum) / area
}

/** {@link patchError}, with the products of difference and slopes in `step`. */
function patchErrorAndSlope(shape: LevelShape, image1: Float32Array, x: number, y: number): number {
  const px = Math.min(Math.max(x, -patchSize), shape.width)
  const py = Math.min(Math.max(y, -patchSize), shape.height)
  const xi = Math.floor(px)
  const yi = Math.floor(py)
  const fx = px - xi
  const fy = py - yi
  const gx = 1 - fx
  const gy = 1 - fy
  const { stride } = shape
  let sum = 0
  let squares = 0
  let alongX = 0
  let alongY = 0
  for (let b = 0, k = 0, q = shape.origin + yi * stride + xi; b < patchSize; b++, q += stride - patchSize) {
    let near = image1[q]! * gy + image1[q + stride]! * fy
    for (let a = 0; a < patchSize; a++, k++) {
      q++
      const next = image1[q]! * gy + image1[q + stride]! * fy
      const d = near * gx + next * fx - template[k]!
      near = next
      sum += d
      squares += d * d
      alongX += d * slopeX[k]!
      alongY += d * slopeY[k]!
    }
  }
  step[0] = alongX
  step[1] = alongY
  return squares - (sum * sum) / area
}
