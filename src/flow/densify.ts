import { patchSize, type PatchGrid } from './patch-search.ts'
import type { LevelShape } from './pyramid.ts'

const differences = new Float64Array(patchSize * patchSize)

/**
 * Dense flow from patches: each patch votes for its pixels, with less weight where it does not fit: 1 / max(1, |mean-removed difference|).
 *
 * @param u @param v Padded, get the result. @param votes Padded scratch.
 * @see Kroeger et al. 2016, eq. 3
 */
export function densify(
  shape: LevelShape,
  image0: Float32Array,
  image1: Float32Array,
  grid: PatchGrid,
  u: Float32Array,
  v: Float32Array,
  votes: Float32Array,
): void {
  const { width, height, stride, origin } = shape
  u.fill(0, 0, shape.length)
  v.fill(0, 0, shape.length)
  votes.fill(0, 0, shape.length)
  const area = patchSize * patchSize
  for (let j = 0, p = 0; j < grid.rows; j++) {
    for (let i = 0; i < grid.columns; i++, p++) {
      const x0 = grid.left[i]!
      const y0 = grid.top[j]!
      const pu = grid.u[p]!
      const pv = grid.v[p]!
      const px = Math.min(Math.max(x0 + pu, -patchSize), width)
      const py = Math.min(Math.max(y0 + pv, -patchSize), height)
      const xi = Math.floor(px)
      const yi = Math.floor(py)
      const fx = px - xi
      const fy = py - yi
      const start = origin + y0 * stride + x0
      let sum = 0
      for (
        let b = 0, k = 0, r = start, q = origin + yi * stride + xi;
        b < patchSize;
        b++, q += stride - patchSize, r += stride - patchSize
      ) {
        for (let a = 0; a < patchSize; a++, k++, q++, r++) {
          const above = image1[q]! * (1 - fx) + image1[q + 1]! * fx
          const below = image1[q + stride]! * (1 - fx) + image1[q + stride + 1]! * fx
          const d = above * (1 - fy) + below * fy - image0[r]!
          differences[k] = d
          sum += d
        }
      }
      const mean = sum / area
      for (let b = 0, k = 0, r = start; b < patchSize; b++, r += stride - patchSize) {
        for (let a = 0; a < patchSize; a++, k++, r++) {
          const weight = 1 / Math.max(1, Math.abs(differences[k]! - mean))
          u[r] = u[r]! + weight * pu
          v[r] = v[r]! + weight * pv
          votes[r] = votes[r]! + weight
        }
      }
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = origin + y * stride; x < width; x++, i++) {
      const share = 1 / votes[i]!
      u[i] = u[i]! * share
      v[i] = v[i]! * share
    }
  }
}
