import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { FloatImage, Plane } from '../image/frame.ts'

/** A rectangle of latent cells. */
export interface Region {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/**
 * The smallest rectangle of latent cells around everything that has to be painted, with a margin for the network to see what lies around it.
 * Sides are multiples of 4 cells. Undefined where less than `least` of the picture has to be painted.
 *
 * @param coverage 1 where a pixel is kept, 0 where it is to be painted.
 * @param cell Pixels per latent cell along a side.
 * @param margin Cells around what is painted.
 * @param least Share of the picture, 0..1.
 */
export function regionToPaint(coverage: Plane, cell: number, margin: number, least: number): Region | undefined {
  const { width, height, data } = coverage
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1]
  let open = 0
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const missing = 1 - data[y * width + x]!
      open += missing
      if (missing < 0.3) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  if (right < 0 || open / data.length < least) return undefined
  const across = span(left, right, cell, margin, width / cell)
  const down = span(top, bottom, cell, margin, height / cell)
  return { x: across.start, y: down.start, width: across.length, height: down.length }
}

function span(first: number, last: number, cell: number, margin: number, cells: number): { start: number; length: number } {
  const from = Math.max(0, Math.floor(first / cell) - margin)
  const to = Math.min(cells, Math.floor(last / cell) + 1 + margin)
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

/** Puts a picture of a region over a copy of a whole one. */
export function pastePicture(whole: FloatImage, part: FloatImage, x: number, y: number): FloatImage {
  const data = Float32Array.from(whole.data)
  for (let row = 0; row < part.height; row++)
    data.set(part.data.subarray(row * part.width * 3, (row + 1) * part.width * 3), ((y + row) * whole.width + x) * 3)
  return { ...whole, data }
}
