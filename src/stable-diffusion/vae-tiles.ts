import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { FloatImage, Frame } from '../image/frame.ts'

export interface TileOptions {
  /** Picture pixels per latent cell along a side. */
  readonly scale: number
  /** Longest side of a tile in picture pixels. */
  readonly tile: number
}

/** Pictures of more pixels than this are coded in tiles unless told otherwise: an SD autoencoder takes gigabytes there. */
const tiledAbove = 1152 * 1152
/** Side of a tile in pixels where none is given. */
const usualTile = 768
/** Least side of a tile in pixels: smaller ones would be mostly overlap. */
export const smallestTile = 256

/** Latent cells at an inner edge of a tile that see the edge and are not used, and over which neighbours then fade into each other. */
const discarded = 4
const faded = 12

type Encode = (image: Frame | FloatImage, signal?: AbortSignal) => Promise<Latent>
type Decode = (latent: Latent, shape: LatentShape, signal?: AbortSignal) => Promise<FloatImage>

/**
 * An autoencoder that works in tiles: of side `tile` pixels, by itself above a picture area that takes gigabytes, or never (0).
 *
 * @throws RangeError if `tile` is neither 0 nor at least 256.
 */
export function inTiles(
  { encode, decode }: { readonly encode: Encode; readonly decode: Decode },
  { channels, scale, tile }: { readonly channels: number; readonly scale: number; readonly tile: number | undefined },
): { encode: Encode; decode: Decode } {
  if (tile !== undefined && tile !== 0 && !(tile >= smallestTile))
    throw new RangeError(`vaeTile must be 0 or at least ${smallestTile} pixels, got ${tile}.`)
  const tileFor = (width: number, height: number): number => tile ?? (width * height > tiledAbove ? usualTile : 0)
  return {
    encode(image, signal) {
      const side = tileFor(image.width, image.height)
      return (side === 0 ? encode : tiledEncode(encode, channels, { scale, tile: side }))(image, signal)
    },
    decode(latent, shape, signal) {
      const side = tileFor(shape.width * scale, shape.height * scale)
      return (side === 0 ? decode : tiledDecode(decode, { scale, tile: side }))(latent, shape, signal)
    },
  }
}

/** `encode` in tiles for pictures that are larger than one. Pictures and latents as there. */
export function tiledEncode(encode: Encode, channels: number, { scale, tile }: TileOptions): Encode {
  return async (image, signal) => {
    if (image.width % scale !== 0 || image.height % scale !== 0) return encode(image, signal)
    const [width, height] = [image.width / scale, image.height / scale]
    const side = Math.floor(tile / scale)
    if (width <= side && height <= side) return encode(image, signal)
    const [rows, columns] = [spansOf(height, side), spansOf(width, side)]
    const out = new Float32Array(channels * height * width)
    for (const row of rows)
      for (const column of columns) {
        const part = await encode(cropImage(image, column, row, scale), signal)
        for (let c = 0; c < channels; c++)
          for (let y = 0; y < row.length; y++)
            for (let x = 0; x < column.length; x++)
              out[(c * height + row.start + y) * width + column.start + x]! +=
                part[(c * row.length + y) * column.length + x]! * row.weights[y]! * column.weights[x]!
      }
    return out
  }
}

/** `decode` in tiles for latents that are larger than one. */
export function tiledDecode(decode: Decode, { scale, tile }: TileOptions): Decode {
  return async (latent, shape, signal) => {
    const side = Math.floor(tile / scale)
    const { channels, height, width } = shape
    if (width <= side && height <= side) return decode(latent, shape, signal)
    const [rows, columns] = [spansOf(height, side), spansOf(width, side)]
    const out = new Float32Array(3 * height * width * scale * scale)
    for (const row of rows) {
      const down = stretched(row.weights, scale)
      for (const column of columns) {
        const across = stretched(column.weights, scale)
        const part = await decode(
          cropLatent(latent, shape, column, row),
          { channels, height: row.length, width: column.length },
          signal,
        )
        for (let y = 0; y < part.height; y++) {
          let to = 3 * ((row.start * scale + y) * width * scale + column.start * scale)
          let from = 3 * y * part.width
          for (let x = 0; x < part.width; x++) {
            const weight = down[y]! * across[x]!
            for (let c = 0; c < 3; c++) out[to++]! += part.data[from++]! * weight
          }
        }
      }
    }
    return { width: width * scale, height: height * scale, data: out }
  }
}

/** A part of a side in latent cells, and how much each of its cells counts; over all parts a cell's weights add up to 1. */
interface Span {
  readonly start: number
  readonly length: number
  readonly weights: Float32Array
}

/** Equal spans of at most `most` cells that cover `length` and overlap by no less than two discarded edges and a fade. */
export function spansOf(length: number, most: number): Span[] {
  if (length <= most) return [{ start: 0, length, weights: new Float32Array(length).fill(1) }]
  const overlap = Math.min(2 * discarded + faded, most >> 1)
  const count = Math.ceil((length - overlap) / (most - overlap))
  const starts = Array.from({ length: count }, (_, i) => Math.round((i * (length - most)) / (count - 1)))
  const edge = Math.min(discarded, (overlap - 1) >> 1)
  const fade = overlap - 2 * edge
  const sums = new Float32Array(length)
  const spans = starts.map((start, i) => {
    const weights = Float32Array.from({ length: most }, (_, cell) => {
      const fromStart = i === 0 ? Infinity : cell + 0.5 - edge
      const fromEnd = i === count - 1 ? Infinity : most - cell - 0.5 - edge
      return Math.min(1, Math.max(0, Math.min(fromStart, fromEnd) / fade))
    })
    for (const [cell, weight] of weights.entries()) sums[start + cell]! += weight
    return { start, length: most, weights }
  })
  for (const { start, weights } of spans) for (let cell = 0; cell < most; cell++) weights[cell]! /= sums[start + cell]!
  return spans
}

/** Weights of cells as weights of their pixels, linear between the cells' centres; sums of 1 stay 1. */
function stretched(weights: Float32Array, scale: number): Float32Array {
  const last = weights.length - 1
  return Float32Array.from({ length: weights.length * scale }, (_, pixel) => {
    const at = Math.min(last, Math.max(0, (pixel + 0.5) / scale - 0.5))
    const cell = Math.floor(at)
    const next = Math.min(last, cell + 1)
    return weights[cell]! + (weights[next]! - weights[cell]!) * (at - cell)
  })
}

function cropImage(image: Frame | FloatImage, column: Span, row: Span, scale: number): Frame | FloatImage {
  const [left, top, width, height] = [column.start, row.start, column.length, row.length].map((cells) => cells * scale) as [
    number,
    number,
    number,
    number,
  ]
  const crop = <T extends Uint8Array | Float32Array>(from: T, out: T): T => {
    for (let y = 0; y < height; y++) {
      const start = 3 * ((top + y) * image.width + left)
      out.set(from.subarray(start, start + 3 * width), 3 * y * width)
    }
    return out
  }
  const count = 3 * width * height
  return image.data instanceof Uint8Array
    ? { width, height, data: crop(image.data, new Uint8Array(count)) }
    : { width, height, data: crop(image.data, new Float32Array(count)) }
}

function cropLatent(latent: Latent, { channels, height, width }: LatentShape, column: Span, row: Span): Latent {
  const out = new Float32Array(channels * row.length * column.length)
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < row.length; y++) {
      const start = (c * height + row.start + y) * width + column.start
      out.set(latent.subarray(start, start + column.length), (c * row.length + y) * column.length)
    }
  return out
}
