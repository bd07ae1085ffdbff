import { type Part, type PartOptions, part } from './mesh.ts'
import { type Vec3, add, across, cos, cross, lerp, sin, spline, sub, tau, unit } from './maths.ts'
import type { Pose } from './swing.ts'

/** The line a tube follows: its points, one a row, and a direction that fixes where each ring begins. */
export interface Spine {
  readonly points: readonly Vec3[]
  /** Column 0 lies on this side of the line; it must not be parallel to the line. */
  readonly side: Vec3
}

/** Half the width along the spine's side and across it, at row share `v` and angle share `u`, metres. */
export type Profile = (v: number, u: number) => readonly [along: number, across: number]

/** A tube of round or oval rings along a line that the pose gives. A profile that ends at 0 closes it. */
export function loft(options: Omit<PartOptions, 'closed'>, spine: (pose: Pose) => Spine, profile: Profile): Part {
  const { rows, columns } = options
  const rings = Array.from({ length: columns }, (_, c) => {
    const angle = (c / (columns - 1)) * tau
    return [cos(angle), sin(angle)] as const
  })
  return part({ ...options, closed: true }, (pose) => {
    const { points, side } = spine(pose)
    const frames = points.map((point, r) => {
      const along = unit(sub(points[Math.min(r + 1, rows - 1)]!, points[Math.max(r - 1, 0)]!))
      const n = across(side, along)
      return { point, n, b: cross(along, n) }
    })
    return (u, v, column, row) => {
      const { point, n, b } = frames[row]!
      const [c, s] = rings[column]!
      const [p, q] = profile(v, u)
      return [
        point[0] + n[0] * p * c + b[0] * q * s,
        point[1] + n[1] * p * c + b[1] * q * s,
        point[2] + n[2] * p * c + b[2] * q * s,
      ]
    }
  })
}

/** A straight line from `a` to `b`. */
export function straight(a: Vec3, b: Vec3, rows: number): Vec3[] {
  return Array.from({ length: rows }, (_, r) => lerp(a, b, r / (rows - 1)))
}

/** A line through a joint, rounded there: from `a` over `joint` to `b`; each half takes half of the rows. */
export function bent(a: Vec3, joint: Vec3, b: Vec3, rows: number, from = 0, to = 2, roundness = 0.3): Vec3[] {
  const start = lerp(joint, a, roundness)
  const end = lerp(joint, b, roundness)
  return Array.from({ length: rows }, (_, r): Vec3 => {
    const s = from + ((to - from) * r) / (rows - 1)
    if (s <= 1 - roundness) return lerp(a, joint, s)
    if (s >= 1 + roundness) return lerp(joint, b, s - 1)
    const t = (s - 1 + roundness) / (2 * roundness)
    return lerp(lerp(start, joint, t), lerp(joint, end, t), t)
  })
}

/** A smooth line through all of `points`. */
export function through(points: readonly Vec3[], rows: number): Vec3[] {
  const last = points.length - 1
  return Array.from({ length: rows }, (_, r): Vec3 => {
    const s = (r / (rows - 1)) * last
    const k = Math.min(Math.floor(s), last - 1)
    const b = points[k]!
    const c = points[k + 1]!
    const a = points[k - 1] ?? add(b, sub(b, c))
    const d = points[k + 2] ?? add(c, sub(c, b))
    const t = s - k
    return [spline(a[0], b[0], c[0], d[0], t), spline(a[1], b[1], c[1], d[1], t), spline(a[2], b[2], c[2], d[2], t)]
  })
}
