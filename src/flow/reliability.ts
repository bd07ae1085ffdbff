import type { Frame, Plane } from '../image/frame.ts'
import type { Flow } from './flow.ts'
import { gaussianBlur } from '../image/blur.ts'
import { warpChannels } from './warp.ts'

/**
 * Size of a pixel against those of the 1024x436 pictures for which the thresholds were made, never below 1: the error of flow does not
 * shrink below a fraction of a pixel in small pictures.
 */
export function thresholdScale(width: number, height: number): number {
  return Math.max(1, Math.hypot(width, height) / Math.hypot(1024, 436))
}

/**
 * Where the current frame shows something that the previous one does not: flow there and back again does not return, or leads out of the frame.
 * `|b + f|^2 >= 0.01 (|b|^2 + |f|^2) + 0.5 scale^2`, f sampled bilinearly at x + b(x).
 *
 * @param backward Flow current -> previous. @param forward Flow previous -> current. @param scale See {@link thresholdScale}.
 * @returns A byte a pixel of the current frame: 1 occluded, 0 seen in both.
 * @throws TypeError if the sizes differ.
 * @see Sundaram, Brox, Keutzer, ECCV 2010
 */
export function occlusion(backward: Flow, forward: Flow, scale = 1): Uint8Array {
  const { width, height } = backward
  if (forward.width !== width || forward.height !== height)
    throw new TypeError(
      `Backward flow is ${width}x${height}, forward flow ${forward.width}x${forward.height}: they must be equal.`,
    )
  const back = backward.data
  const there = warpChannels(forward.data, { channels: 2, order: 'interleaved' }, backward, 'linear')
  const occluded = new Uint8Array(width * height)
  const slack = 0.5 * scale * scale
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const bu = back[2 * i]!
      const bv = back[2 * i + 1]!
      const fu = there[2 * i]!
      const fv = there[2 * i + 1]!
      const inside = x + bu >= 0 && x + bu <= width - 1 && y + bv >= 0 && y + bv <= height - 1
      const error = (bu + fu) * (bu + fu) + (bv + fv) * (bv + fv)
      const bound = 0.01 * (bu * bu + bv * bv + fu * fu + fv * fv) + slack
      occluded[i] = inside && error < bound ? 0 : 1
    }
  }
  return occluded
}

/**
 * Where neighbouring pixels move differently: `|grad u|^2 + |grad v|^2 > 0.01 |b / scale|^2 + 0.002` (central differences).
 *
 * @returns A byte a pixel: 1 boundary.
 * @see Sundaram, Brox, Keutzer, ECCV 2010
 */
export function motionBoundary(backward: Flow, scale = 1): Uint8Array {
  const { width, height, data } = backward
  const boundary = new Uint8Array(width * height)
  const share = 0.01 / (scale * scale)
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -2 * width : 0
    const down = y < height - 1 ? 2 * width : 0
    for (let x = 0; x < width; x++, i++) {
      const q = 2 * i
      const left = x > 0 ? -2 : 0
      const right = x < width - 1 ? 2 : 0
      const ux = data[q + right]! - data[q + left]!
      const uy = data[q + down]! - data[q + up]!
      const vx = data[q + right + 1]! - data[q + left + 1]!
      const vy = data[q + down + 1]! - data[q + up + 1]!
      const change = 0.25 * (ux * ux + uy * uy + vx * vx + vy * vy)
      const speed = data[q]! * data[q]! + data[q + 1]! * data[q + 1]!
      boundary[i] = change > share * speed + 0.002 ? 1 : 0
    }
  }
  return boundary
}

/**
 * The soft map: occluded -255, boundary 0, else 255; Gaussian of sigma 0.8; clipped; here as 0 (not to be trusted) .. 1.
 *
 * @see Ruder, Dosovitskiy, Brox 2016, arXiv:1604.08610
 */
export function softReliability(occluded: Uint8Array, boundary: Uint8Array, width: number, height: number): Plane {
  const hard = new Float32Array(width * height)
  for (let i = 0; i < hard.length; i++) hard[i] = occluded[i] === 1 ? -1 : boundary[i] === 1 ? 0 : 1
  const data = gaussianBlur(hard, width, height, 1, 0.8)
  for (let i = 0; i < data.length; i++) data[i] = Math.min(1, Math.max(0, data[i]!))
  return { width, height, data }
}

/**
 * How well the source frames agree along the flow: `exp(-(e / 12)^2)` with e the mean absolute difference of the channels, 8 bit, after a
 * Gaussian of sigma 1 on both.
 *
 * @param backward Flow current -> previous.
 * @returns 0..1 a pixel of the current frame.
 */
export function photometricTrust(previous: Frame, current: Frame, backward: Flow): Plane {
  const { width, height } = backward
  const before = softened(previous)
  const now = softened(current)
  const moved = warpChannels(before, { channels: 3, order: 'interleaved' }, backward, 'linear')
  const data = new Float32Array(width * height)
  for (let i = 0, q = 0; i < data.length; i++, q += 3) {
    const sum = Math.abs(now[q]! - moved[q]!) + Math.abs(now[q + 1]! - moved[q + 1]!) + Math.abs(now[q + 2]! - moved[q + 2]!)
    const error = sum / 3 / 12
    data[i] = Math.exp(-error * error)
  }
  return { width, height, data }
}

/** Change of the flow from pixel to pixel at which a picture would be torn: what is carried there are streaks. */
const tearing = 0.5
const softenedFrames = new WeakMap<Frame, Float32Array>()

/** A frame with its blurred self: it is compared with several others, on several threads, and is to be blurred once. */
export interface SoftFrame extends Frame {
  readonly soft: Float32Array
}

/** Adds what comparisons need. */
export function withSoft(frame: Frame): SoftFrame {
  return { ...frame, soft: softened(frame) }
}

/** A frame after a Gaussian of sigma 1. */
function softened(frame: Frame | SoftFrame): Float32Array {
  if ('soft' in frame) return frame.soft
  const known = softenedFrames.get(frame)
  if (known !== undefined) return known
  const blurred = gaussianBlur(frame.data, frame.width, frame.height, 3, 1)
  softenedFrames.set(frame, blurred)
  return blurred
}

/** Pixels by which a way may leave the picture and still take the edge: less than the error of flow. */
const edgeSlack = 2

/**
 * How far a picture may be carried along a way between two frames that was composed of several flows. What counts is that the sources look
 * alike at both ends: what went wrong on the way shows there, so nothing has to be multiplied along it. Where the way back does not return,
 * only a very good likeness counts: in flat areas flow wanders without harm, behind things that moved it finds something else. Where the flow
 * tears, nothing counts: the source may be flat there, what was painted on it is not.
 *
 * @param from Source at the beginning of `way`. @param to Source at its end.
 * @param way Flow from -> to. @param back Flow to -> from.
 * @returns 0..1 a pixel of `from`; 0 where the way leaves the picture.
 * @throws TypeError if the sizes differ.
 */
export function wayTrust(from: Frame, to: Frame, way: Flow, back: Flow): Plane {
  const { width, height } = way
  const occluded = occlusion(way, back, thresholdScale(width, height))
  const trust = photometricTrust(to, from, way)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const px = x + way.data[2 * i]!
      const py = y + way.data[2 * i + 1]!
      const inside = px > -edgeSlack && px < width - 1 + edgeSlack && py > -edgeSlack && py < height - 1 + edgeSlack
      const alike = trust.data[i]! * Math.exp(-((stretch(way, x, y, i) / (tearing * tearing)) ** 2))
      trust.data[i] = !inside ? 0 : occluded[i] === 1 ? alike ** 4 : alike
    }
  }
  return trust
}

/** |grad u|^2 + |grad v|^2 by central differences. */
function stretch({ width, height, data }: Flow, x: number, y: number, i: number): number {
  const left = 2 * (x > 0 ? i - 1 : i)
  const right = 2 * (x < width - 1 ? i + 1 : i)
  const up = 2 * (y > 0 ? i - width : i)
  const down = 2 * (y < height - 1 ? i + width : i)
  const ux = data[right]! - data[left]!
  const uy = data[down]! - data[up]!
  const vx = data[right + 1]! - data[left + 1]!
  const vy = data[down + 1]! - data[up + 1]!
  return 0.25 * (ux * ux + uy * uy + vx * vx + vy * vy)
}
