/** What is seen at each sample of a raster: the nearest triangle and how near it is. */
export interface Raster {
  readonly width: number
  readonly height: number
  /** Nearness, linear over the raster inside a triangle (1 / distance for a perspective view); 0 where nothing is. */
  readonly nearness: Float32Array
  /** Index of the triangle, -1 where nothing is. */
  readonly triangle: Int32Array
}

/** Corners on the raster: `[count * 3]` values (x, y, nearness); sample centres are whole numbers. Nearness <= 0 is behind the view. */
export type Corners = Float64Array

export function createRaster(width: number, height: number): Raster {
  return { width, height, nearness: new Float32Array(width * height), triangle: new Int32Array(width * height) }
}

/**
 * Draws triangles with a depth test: afterwards every sample knows the nearest triangle that covers its centre. Colours and everything
 * else are found from the triangle later, once a sample.
 *
 * @param indices Three corner numbers a triangle.
 * @param oneSided Which triangles are left out when they turn their back; front is counter-clockwise as seen. One value a triangle.
 */
export function rasterize(raster: Raster, corners: Corners, indices: Uint32Array, oneSided: Uint8Array, end: number): void {
  const { width, height, nearness, triangle } = raster
  nearness.fill(0)
  triangle.fill(-1)
  for (let t = 0; t < end; t++) {
    const a = indices[3 * t]! * 3
    const b = indices[3 * t + 1]! * 3
    const c = indices[3 * t + 2]! * 3
    const ax = corners[a]!
    const ay = corners[a + 1]!
    const bx = corners[b]!
    const by = corners[b + 1]!
    const cx = corners[c]!
    const cy = corners[c + 1]!
    const az = corners[a + 2]!
    const bz = corners[b + 2]!
    const cz = corners[c + 2]!
    if (!(az > 0 && bz > 0 && cz > 0)) continue
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if (area === 0 || (area > 0 && oneSided[t] === 1)) continue
    const left = Math.max(0, Math.ceil(Math.min(ax, bx, cx)))
    const right = Math.min(width - 1, Math.floor(Math.max(ax, bx, cx)))
    const top = Math.max(0, Math.ceil(Math.min(ay, by, cy)))
    const bottom = Math.min(height - 1, Math.floor(Math.max(ay, by, cy)))
    if (left > right || top > bottom) continue
    const s = 1 / area
    // Shares of b and c at a sample, and how they change along a row.
    const bStep = (cy - ay) * s
    const cStep = -(by - ay) * s
    const zStep = (bz - az) * bStep + (cz - az) * cStep
    const wide = right - left > 8
    for (let y = top; y <= bottom; y++) {
      let x = left
      let last = right
      let sb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * s
      let sc = ((y - ay) * (bx - ax) - (x - ax) * (by - ay)) * s
      if (wide) {
        // Where the row can be inside, with a sample to spare on either side: each share bounds it from one side.
        let from = 0
        let to = right - left
        const aStep = -bStep - cStep
        const sa = 1 - sb - sc
        if (bStep > 0) from = Math.max(from, -sb / bStep)
        else if (bStep < 0) to = Math.min(to, -sb / bStep)
        if (cStep > 0) from = Math.max(from, -sc / cStep)
        else if (cStep < 0) to = Math.min(to, -sc / cStep)
        if (aStep > 0) from = Math.max(from, -sa / aStep)
        else if (aStep < 0) to = Math.min(to, -sa / aStep)
        if (!(from <= to + 2)) continue
        const skip = Math.max(0, Math.floor(from) - 1)
        last = Math.min(right, left + Math.ceil(to) + 1)
        x += skip
        sb += skip * bStep
        sc += skip * cStep
      }
      let z = az + (bz - az) * sb + (cz - az) * sc
      let i = y * width + x
      for (; x <= last; x++, i++) {
        if (sb >= -1e-9 && sc >= -1e-9 && sb + sc <= 1.000000001 && z > nearness[i]!) {
          nearness[i] = z
          triangle[i] = t
        }
        sb += bStep
        sc += cStep
        z += zStep
      }
    }
  }
}

/**
 * The shares of a triangle's corners in the surface point that is seen at (x, y): barycentric coordinates on the triangle itself, not on
 * the raster, so whatever belongs to the surface is mixed with them exactly.
 */
export function sharesAt(corners: Corners, indices: Uint32Array, t: number, x: number, y: number, out: Float64Array): void {
  const a = indices[3 * t]! * 3
  const b = indices[3 * t + 1]! * 3
  const c = indices[3 * t + 2]! * 3
  const ax = corners[a]!
  const ay = corners[a + 1]!
  const ux = corners[b]! - ax
  const uy = corners[b + 1]! - ay
  const vx = corners[c]! - ax
  const vy = corners[c + 1]! - ay
  const area = ux * vy - uy * vx
  const sb = ((x - ax) * vy - (y - ay) * vx) / area
  const sc = ((y - ay) * ux - (x - ax) * uy) / area
  const wa = (1 - sb - sc) * corners[a + 2]!
  const wb = sb * corners[b + 2]!
  const wc = sc * corners[c + 2]!
  const sum = wa + wb + wc
  out[0] = wa / sum
  out[1] = wb / sum
  out[2] = wc / sum
}
