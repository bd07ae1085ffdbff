import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { FloatImage, Plane } from '../image/frame.ts'
import { shrinkPlane } from '../image/resize.ts'

/** A rectangle of latent cells. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface RegionOptions {
  /** Pixels per latent cell along a side. */
  readonly cell: number
  /** Cells around what is painted, for the network to see what lies around it. */
  readonly margin: number
  /** Share of the picture (0..1) below which a hole is left alone. */
  readonly least: number
}

/**
 * Rectangles of latent cells around everything that has to be painted, without overlap where that is cheaper than joining them. Sides are
 * multiples of 4 cells where the picture is large enough.
 *
 * @param coverage 1 where a pixel is kept, 0 where it is to be painted.
 */
export function regionsToPaint(coverage: Plane, { cell, margin, least }: RegionOptions): Region[] {
  const width = coverage.width / cell
  const height = coverage.height / cell
  const missing = shrinkPlane(coverage, width, height).data.map((kept) => 1 - kept)
  const holes = components(missing, width, height).filter(({ mass }) => mass >= least * width * height)
  let regions = holes.map((hole) => {
    const across = span(hole.left, hole.right, margin, width)
    const down = span(hole.top, hole.bottom, margin, height)
    return { x: across.start, y: down.start, width: across.length, height: down.length }
  })
  for (let joined = joinOne(regions, width, height); joined !== undefined; joined = joinOne(regions, width, height))
    regions = joined
  return regions
}

interface Hole {
  left: number
  right: number
  top: number
  bottom: number
  /** Cells' worth of pixels to be painted. */
  mass: number
}

/** Cells of which a fifth is missing, grouped by touching each other within 2 cells. */
function components(missing: Float32Array, width: number, height: number): Hole[] {
  const seen = new Uint8Array(missing.length)
  const found: Hole[] = []
  const reach = 2
  for (let start = 0; start < missing.length; start++) {
    if (seen[start] === 1 || missing[start]! < 0.2) continue
    const hole: Hole = { left: width, right: -1, top: height, bottom: -1, mass: 0 }
    const stack = [start]
    seen[start] = 1
    for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
      const [x, y] = [i % width, Math.floor(i / width)]
      hole.left = Math.min(hole.left, x)
      hole.right = Math.max(hole.right, x)
      hole.top = Math.min(hole.top, y)
      hole.bottom = Math.max(hole.bottom, y)
      hole.mass += missing[i]!
      for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++)
        for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++) {
          const next = v * width + u
          if (seen[next] === 1 || missing[next]! < 0.2) continue
          seen[next] = 1
          stack.push(next)
        }
    }
    found.push(hole)
  }
  return found
}

/** Joins the first two regions that overlap, or whose common rectangle is no larger than both; undefined if there are none. */
function joinOne(regions: readonly Region[], width: number, height: number): Region[] | undefined {
  for (const [n, a] of regions.entries())
    for (const b of regions.slice(n + 1)) {
      const across = span(Math.min(a.x, b.x), Math.max(a.x + a.width, b.x + b.width) - 1, 0, width)
      const down = span(Math.min(a.y, b.y), Math.max(a.y + a.height, b.y + b.height) - 1, 0, height)
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
      if (apart && across.length * down.length > a.width * a.height + b.width * b.height) continue
      const joined = { x: across.start, y: down.start, width: across.length, height: down.length }
      return [...regions.filter((one) => one !== a && one !== b), joined]
    }
  return undefined
}

function span(first: number, last: number, margin: number, cells: number): { start: number; length: number } {
  const from = Math.max(0, first - margin)
  const to = Math.min(cells, last + 1 + margin)
  const length = Math.min(cells, Math.ceil((to - from) / 4) * 4)
  return { start: Math.max(0, Math.min(from, cells - length)), length }
}

/** The part of a latent that lies in a region. */
export function cropLatent(latent: Latent, { channels, height, width }: LatentShape, region: Region): Latent {
  const out = new Float32Array(channels * region.height * region.width)
  for (let c = 0, to = 0; c < channels; c++)
    for (let y = 0; y < region.height; y++, to += region.width) {
      const from = (c * height + region.y + y) * width + region.x
      out.set(latent.subarray(from, from + region.width), to)
    }
  return out
}

/**
 * The part of a picture that lies in a region of latent cells.
 *
 * @param cell Pixels per latent cell along a side.
 */
export function cropPicture(whole: FloatImage, region: Region, cell: number): FloatImage {
  const [x, y, width, height] = [region.x * cell, region.y * cell, region.width * cell, region.height * cell]
  const data = new Float32Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * whole.width + x) * 3
    data.set(whole.data.subarray(from, from + width * 3), row * width * 3)
  }
  return { width, height, data }
}

/** Puts a picture of a region over a copy of a whole one. */
export function pastePicture(whole: FloatImage, part: FloatImage, x: number, y: number): FloatImage {
  const data = Float32Array.from(whole.data)
  for (let row = 0; row < part.height; row++)
    data.set(part.data.subarray(row * part.width * 3, (row + 1) * part.width * 3), ((y + row) * whole.width + x) * 3)
  return { ...whole, data }
}
