import sharp from 'sharp'
import type { Frame, Plane } from './frame.ts'

/** How a picture is brought to another shape: `cover` cuts the edges off, `contain` adds bars, `fill` stretches. */
export type Fit = 'cover' | 'contain' | 'fill'

/**
 * Scales a frame with Lanczos 3 (antialiased when it shrinks), centred. A frame that has the size already is returned as it is.
 *
 * @param background Colour of the bars of `contain`, 0..255 each; default black.
 */
export async function resizeFrame(
  frame: Frame,
  width: number,
  height: number,
  { fit = 'fill', background = [0, 0, 0] }: { readonly fit?: Fit; readonly background?: readonly [number, number, number] } = {},
): Promise<Frame> {
  if (frame.width === width && frame.height === height) return frame
  const [r, g, b] = background
  const data = await sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .resize(width, height, { fit, kernel: 'lanczos3', background: { r, g, b }, fastShrinkOnLoad: false })
    .raw()
    .toBuffer()
  return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
}

/**
 * Bilinear with half-pixel centres, edges repeated and no antialiasing: torch's `interpolate(mode='bilinear', align_corners=False)`.
 * Values are not scaled (a flow must be multiplied by the caller).
 */
export function resizePlane(plane: Plane, width: number, height: number): Plane {
  if (plane.width === width && plane.height === height) return plane
  const out = new Float32Array(width * height)
  const columns = taps(plane.width, width)
  const rows = taps(plane.height, height)
  const source = plane.data
  for (let y = 0; y < height; y++) {
    const top = rows.low[y]! * plane.width
    const bottom = rows.high[y]! * plane.width
    const fy = rows.part[y]!
    for (let x = 0; x < width; x++) {
      const left = columns.low[x]!
      const right = columns.high[x]!
      const fx = columns.part[x]!
      const above = source[top + left]! * (1 - fx) + source[top + right]! * fx
      const below = source[bottom + left]! * (1 - fx) + source[bottom + right]! * fx
      out[y * width + x] = above * (1 - fy) + below * fy
    }
  }
  return { width, height, data: out }
}

/**
 * Each pixel of the result is the mean of the area it covers, parts of pixels counted by their share; for shrinking weights and masks.
 * For whole ratios this is average pooling. The mean of the plane is kept.
 */
export function shrinkPlane(plane: Plane, width: number, height: number): Plane {
  if (plane.width === width && plane.height === height) return plane
  const between = new Float32Array(width * plane.height)
  for (let y = 0; y < plane.height; y++) averageRow(plane.data, y * plane.width, 1, plane.width, between, y * width, 1, width)
  const out = new Float32Array(width * height)
  for (let x = 0; x < width; x++) averageRow(between, x, width, plane.height, out, x, width, height)
  return { width, height, data: out }
}

function averageRow(
  from: Float32Array,
  start: number,
  step: number,
  length: number,
  to: Float32Array,
  toStart: number,
  toStep: number,
  toLength: number,
): void {
  const scale = length / toLength
  for (let i = 0; i < toLength; i++) {
    const begin = i * scale
    const end = Math.min(length, begin + scale)
    let sum = 0
    for (let k = Math.floor(begin); k < end; k++) sum += (Math.min(k + 1, end) - Math.max(k, begin)) * from[start + k * step]!
    to[toStart + i * toStep] = sum / (end - begin)
  }
}

function taps(from: number, to: number): { low: Int32Array; high: Int32Array; part: Float64Array } {
  const low = new Int32Array(to)
  const high = new Int32Array(to)
  const part = new Float64Array(to)
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5)
    low[i] = Math.min(from - 1, Math.floor(at))
    high[i] = Math.min(from - 1, low[i]! + 1)
    part[i] = at - low[i]!
  }
  return { low, high, part }
}
