import { border, repeatEdges, type LevelShape } from './pyramid.ts'

/** Weights and effort of the refinement. */
export interface RefinementOptions {
  /** Weight of smoothness. */
  readonly alpha: number
  /** Weight of equal intensity. */
  readonly delta: number
  /** Weight of equal gradient. */
  readonly gamma: number
  /** Times that picture 1 is warped anew. */
  readonly warps: number
  /** Times per warp that the robust weights are renewed. */
  readonly rounds: number
  /** Sweeps of successive over-relaxation per round. */
  readonly sweeps: number
}

const omega = 1.9
const zeta2 = 0.01
const epsilon2 = 1e-5
/** Values a pixel in `terms`: (x, y, constant) of the linearised, normalised residuals of intensity, x gradient, y gradient. */
const termsPerPixel = 9
/** Values a pixel in `system`: 1 / diagonal u, 1 / diagonal v, coupling, right-hand sides u and v. */
const systemPerPixel = 5

export interface RefinementScratch {
  readonly mean: Float32Array
  readonly change: Float32Array
  readonly terms: Float32Array
  readonly system: Float32Array
  /** Smoothness between a pixel and its right and lower neighbours. */
  readonly right: Float32Array
  readonly down: Float32Array
}

/** @param length Values in a padded array of the largest level. */
export function refinementScratch(length: number): RefinementScratch {
  return {
    mean: new Float32Array(length),
    change: new Float32Array(length),
    terms: new Float32Array(length * termsPerPixel),
    system: new Float32Array(length * systemPerPixel),
    right: new Float32Array(length),
    down: new Float32Array(length),
  }
}

/**
 * Improves a dense flow by minimising robust differences of intensity and gradient plus robust smoothness; the robust function is
 * sqrt(s^2 + 1e-5), the data terms are normalised by their squared gradient + 0.01, the equations are solved by red-black over-relaxation.
 *
 * @param u @param v Padded flow, changed in place.
 * @see Brox, Bruhn, Papenberg, Weickert, ECCV 2004; Zimmer, Bruhn, Weickert 2011 (normalisation)
 */
export function refineFlow(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  u: Float32Array,
  v: Float32Array,
  options: RefinementOptions,
  scratch: RefinementScratch,
): void {
  for (let warp = 0; warp < options.warps; warp++) {
    compare(shape, image0, image1, u, v, scratch)
    linearise(shape, u, v, scratch)
    for (let round = 0; round < options.rounds; round++) {
      weighSmoothness(shape, u, v, options.alpha, scratch)
      assemble(shape, u, v, options, scratch)
      relax(shape, u, v, options.sweeps, scratch)
    }
  }
}

/** Mean of picture 0 and the warped picture 1 for derivatives in space, and their difference for the derivative in time. */
function compare(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  u: Float32Array,
  v: Float32Array,
  { mean, change }: RefinementScratch,
): void {
  const { width, height, stride, origin } = shape
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = origin + y * stride; x < width; x++, i++) {
      const px = Math.min(Math.max(x + u[i]!, 2 - border), width + border - 3)
      const py = Math.min(Math.max(y + v[i]!, 2 - border), height + border - 3)
      const xi = Math.floor(px)
      const yi = Math.floor(py)
      const fx = px - xi
      const q = origin + yi * stride + xi
      const above = image1[q]! + (image1[q + 1]! - image1[q]!) * fx
      const below = image1[q + stride]! + (image1[q + stride + 1]! - image1[q + stride]!) * fx
      const warped = above + (below - above) * (py - yi)
      mean[i] = 0.5 * (image0[i]! + warped)
      change[i] = warped - image0[i]!
    }
  }
  repeatEdges(mean, shape, 2)
  repeatEdges(change, shape, 2)
}

/** Linear residuals as functions of the flow; zero where the flow leads out of picture 1, where nothing can be compared. */
function linearise(shape: LevelShape, u: Float32Array, v: Float32Array, { mean, change, terms }: RefinementScratch): void {
  const { width, height, stride, origin } = shape
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = origin + y * stride, t = i * termsPerPixel; x < width; x++, i++, t += termsPerPixel) {
      const ui = u[i]!
      const vi = v[i]!
      if (x + ui < 0 || x + ui > width - 1 || y + vi < 0 || y + vi > height - 1) {
        terms.fill(0, t, t + termsPerPixel)
        continue
      }
      const ix = 0.5 * (mean[i + 1]! - mean[i - 1]!)
      const iy = 0.5 * (mean[i + stride]! - mean[i - stride]!)
      const ixx = 0.25 * (mean[i + 2]! - 2 * mean[i]! + mean[i - 2]!)
      const iyy = 0.25 * (mean[i + 2 * stride]! - 2 * mean[i]! + mean[i - 2 * stride]!)
      const ixy = 0.25 * (mean[i + stride + 1]! - mean[i + stride - 1]! - mean[i - stride + 1]! + mean[i - stride - 1]!)
      const ixt = 0.5 * (change[i + 1]! - change[i - 1]!)
      const iyt = 0.5 * (change[i + stride]! - change[i - stride]!)
      const n = 1 / Math.sqrt(ix * ix + iy * iy + zeta2)
      const nx = 1 / Math.sqrt(ixx * ixx + ixy * ixy + zeta2)
      const ny = 1 / Math.sqrt(ixy * ixy + iyy * iyy + zeta2)
      terms[t] = ix * n
      terms[t + 1] = iy * n
      terms[t + 2] = (change[i]! - ix * ui - iy * vi) * n
      terms[t + 3] = ixx * nx
      terms[t + 4] = ixy * nx
      terms[t + 5] = (ixt - ixx * ui - ixy * vi) * nx
      terms[t + 6] = ixy * ny
      terms[t + 7] = iyy * ny
      terms[t + 8] = (iyt - ixy * ui - iyy * vi) * ny
    }
  }
}

function weighSmoothness(
  shape: LevelShape,
  u: Float32Array,
  v: Float32Array,
  alpha: number,
  { right, down }: RefinementScratch,
): void {
  const { width, height, stride, origin } = shape
  repeatEdges(u, shape, 1)
  repeatEdges(v, shape, 1)
  for (let y = 0; y < height; y++) {
    const row = origin + y * stride
    for (let x = 0, i = row; x < width; x++, i++) {
      const ux = u[i + 1]! - u[i]!
      const uy = u[i + stride]! - u[i]!
      const vx = v[i + 1]! - v[i]!
      const vy = v[i + stride]! - v[i]!
      const weight = alpha / Math.sqrt(ux * ux + uy * uy + vx * vx + vy * vy + epsilon2)
      right[i] = weight
      down[i] = weight
    }
    right[row - 1] = 0
    right[row + width - 1] = 0
  }
  down.fill(0, origin - stride, origin - stride + width)
  down.fill(0, origin + (height - 1) * stride, origin + (height - 1) * stride + width)
}

function assemble(
  shape: LevelShape,
  u: Float32Array,
  v: Float32Array,
  { delta, gamma }: RefinementOptions,
  { terms, system, right, down }: RefinementScratch,
): void {
  const { width, height, stride, origin } = shape
  for (let y = 0; y < height; y++) {
    const row = origin + y * stride
    for (
      let x = 0, i = row, t = i * termsPerPixel, s = i * systemPerPixel;
      x < width;
      x++, i++, t += termsPerPixel, s += systemPerPixel
    ) {
      const ui = u[i]!
      const vi = v[i]!
      const ax = terms[t]!
      const ay = terms[t + 1]!
      const at = terms[t + 2]!
      const bx = terms[t + 3]!
      const by = terms[t + 4]!
      const bt = terms[t + 5]!
      const cx = terms[t + 6]!
      const cy = terms[t + 7]!
      const ct = terms[t + 8]!
      const a = at + ax * ui + ay * vi
      const b = bt + bx * ui + by * vi
      const c = ct + cx * ui + cy * vi
      // One division for two: they are what takes time here.
      const rootA = Math.sqrt(a * a + epsilon2)
      const rootG = Math.sqrt(b * b + c * c + epsilon2)
      const inverse = 1 / (rootA * rootG)
      const wi = delta * inverse * rootG
      const wg = gamma * inverse * rootA
      const around = right[i]! + right[i - 1]! + down[i]! + down[i - stride]!
      const diagonalU = wi * ax * ax + wg * (bx * bx + cx * cx) + around + zeta2
      const diagonalV = wi * ay * ay + wg * (by * by + cy * cy) + around + zeta2
      const scale = omega / (diagonalU * diagonalV)
      system[s] = scale * diagonalV
      system[s + 1] = scale * diagonalU
      system[s + 2] = wi * ax * ay + wg * (bx * by + cx * cy)
      system[s + 3] = -(wi * ax * at + wg * (bx * bt + cx * ct)) + zeta2 * ui
      system[s + 4] = -(wi * ay * at + wg * (by * bt + cy * ct)) + zeta2 * vi
    }
  }
}

/**
 * Red-black sweeps. All of them go over the picture together, each a row behind the one before: the result is that of one after the other, but
 * memory is read once.
 */
function relax(shape: LevelShape, u: Float32Array, v: Float32Array, sweeps: number, scratch: RefinementScratch): void {
  const passes = 2 * sweeps
  for (let front = 0; front < shape.height + passes - 1; front++) {
    const last = Math.min(passes - 1, front)
    for (let pass = Math.max(0, front - shape.height + 1); pass <= last; pass++)
      relaxRow(shape, u, v, front - pass, pass & 1, scratch)
  }
}

/** Relaxes every second pixel of a row. */
function relaxRow(
  { width, stride, origin }: LevelShape,
  u: Float32Array,
  v: Float32Array,
  y: number,
  colour: number,
  { system, right, down }: RefinementScratch,
): void {
  const row = origin + y * stride
  const end = row + width
  for (let i = row + ((y + colour) & 1), s = i * systemPerPixel; i < end; i += 2, s += 2 * systemPerPixel) {
    const r = right[i]!
    const l = right[i - 1]!
    const d = down[i]!
    const a = down[i - stride]!
    const sumU = r * u[i + 1]! + l * u[i - 1]! + d * u[i + stride]! + a * u[i - stride]!
    const sumV = r * v[i + 1]! + l * v[i - 1]! + d * v[i + stride]! + a * v[i - stride]!
    const coupling = system[s + 2]!
    const newU = (1 - omega) * u[i]! + system[s]! * (system[s + 3]! + sumU - coupling * v[i]!)
    u[i] = newU
    v[i] = (1 - omega) * v[i]! + system[s + 1]! * (system[s + 4]! + sumV - coupling * newU)
  }
}
