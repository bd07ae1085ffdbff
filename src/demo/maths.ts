/**
 * Small mathematics whose results have the same bits on every machine: only + - * / and square roots, which IEEE 754 defines exactly.
 * `Math.sin` and its kin may differ in their last bits between engines, and with them the clip's bytes.
 */

/** A point or direction in metres: x to the viewer's right, y up, z towards the camera. */
export type Vec3 = readonly [x: number, y: number, z: number]

export const tau = 6.283185307179586
const quarter = tau / 4

/** Sine of radians, error below 1e-9. */
export function sin(x: number): number {
  const k = Math.round(x / quarter)
  const r = x - k * quarter
  const q = r * r
  if ((k & 1) === 0) {
    const s = r * (1 - (q / 6) * (1 - (q / 20) * (1 - (q / 42) * (1 - (q / 72) * (1 - q / 110)))))
    return (k & 2) === 0 ? s : -s
  }
  const c = 1 - (q / 2) * (1 - (q / 12) * (1 - (q / 30) * (1 - (q / 56) * (1 - (q / 90) * (1 - q / 132)))))
  return (k & 2) === 0 ? c : -c
}

export function cos(x: number): number {
  return sin(x + quarter)
}

export function degrees(angle: number): number {
  return (angle * tau) / 360
}

export function clamp(x: number, low: number, high: number): number {
  return x < low ? low : x > high ? high : x
}

export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t
}

/** 0 below `from`, 1 above `to`, smooth between; `from` may be the larger one. */
export function smoothstep(from: number, to: number, x: number): number {
  const t = clamp((x - from) / (to - from), 0, 1)
  return t * t * (3 - 2 * t)
}

/** Values at places 0, 1, 2, … of a closed loop, joined by a Catmull-Rom spline. */
export function loop(values: readonly number[], place: number): number {
  const n = values.length
  const k = Math.floor(place)
  const t = place - k
  const at = (i: number): number => values[(((k + i) % n) + n) % n]!
  return spline(at(-1), at(0), at(1), at(2), t)
}

/** Catmull-Rom between `b` (t = 0) and `c` (t = 1). */
export function spline(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
}

/** Piecewise smooth function through (x, y) pairs, x ascending; constant outside. */
export function curve(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const last = points.length - 1
  if (x <= points[0]![0]) return points[0]![1]
  if (x >= points[last]![0]) return points[last]![1]
  let k = 0
  while (points[k + 1]![0] < x) k++
  const [x0, y0] = points[k]!
  const [x1, y1] = points[k + 1]!
  const slope = (i: number): number => {
    if (i <= 0 || i >= last) return 0
    return (points[i + 1]![1] - points[i - 1]![1]) / (points[i + 1]![0] - points[i - 1]![0])
  }
  const h = x1 - x0
  const t = (x - x0) / h
  const m0 = (k === 0 ? (y1 - y0) / h : slope(k)) * h
  const m1 = (k + 1 === last ? (y1 - y0) / h : slope(k + 1)) * h
  const u = 1 - t
  return y0 * (1 + 2 * t) * u * u + m0 * t * u * u + y1 * t * t * (3 - 2 * t) - m1 * t * t * u
}

export function add(a: Vec3, b: Vec3): Vec3 {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

export function sub(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

export function scale(a: Vec3, s: number): Vec3 {
  return [a[0] * s, a[1] * s, a[2] * s]
}

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

export function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

export function length(a: Vec3): number {
  return Math.sqrt(dot(a, a))
}

export function unit(a: Vec3): Vec3 {
  return scale(a, 1 / (length(a) || 1))
}

export function lerp(a: Vec3, b: Vec3, t: number): Vec3 {
  return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
}

/** The part of `a` across the unit vector `axis`, made unit length. */
export function across(a: Vec3, axis: Vec3): Vec3 {
  return unit(sub(a, scale(axis, dot(a, axis))))
}

/** Noise 0..1, smooth over the plane, one bump per unit. */
export function noise(x: number, y: number): number {
  const i = Math.floor(x)
  const j = Math.floor(y)
  const u = x - i
  const v = y - j
  const s = u * u * (3 - 2 * u)
  const t = v * v * (3 - 2 * v)
  return mix(mix(hash(i, j), hash(i + 1, j), s), mix(hash(i, j + 1), hash(i + 1, j + 1), s), t)
}

/** A number 0..1 that belongs to a cell. */
export function hash(i: number, j: number): number {
  let h = Math.imul(i, 0x27d4eb2d) ^ Math.imul(j, 0x165667b1)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

/** 1 / length, and 0 for a vector without length. */
export function inverseLength(x: number, y: number, z: number): number {
  const square = x * x + y * y + z * z
  return square > 0 ? 1 / Math.sqrt(square) : 0
}
