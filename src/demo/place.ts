import { type Vec3, add, cos, dot, mix, scale, sin, sub } from './maths.ts'

/** A rigid place in space: an origin and three perpendicular unit axes. A bone of the skeleton, the head, a shoe. */
export interface Place {
  readonly origin: Vec3
  readonly x: Vec3
  readonly y: Vec3
  readonly z: Vec3
}

export const world: Place = { origin: [0, 0, 0], x: [1, 0, 0], y: [0, 1, 0], z: [0, 0, 1] }

/** A point given in the place's own coordinates, in the world. */
export function inWorld(place: Place, [a, b, c]: Vec3): Vec3 {
  const { origin, x, y, z } = place
  return [
    origin[0] + a * x[0] + b * y[0] + c * z[0],
    origin[1] + a * x[1] + b * y[1] + c * z[1],
    origin[2] + a * x[2] + b * y[2] + c * z[2],
  ]
}

/** A direction given in the place's own coordinates, in the world. */
export function turned(place: Place, v: Vec3): Vec3 {
  return sub(inWorld(place, v), place.origin)
}

/** A world point in the place's own coordinates. */
export function inPlace(place: Place, point: Vec3): Vec3 {
  const d = sub(point, place.origin)
  return [dot(d, place.x), dot(d, place.y), dot(d, place.z)]
}

/** A place that hangs on another: moved by `offset` (parent's coordinates), then turned by yaw (about y), pitch (x) and roll (z), radians. */
export function attach(parent: Place, offset: Vec3, yaw = 0, pitch = 0, roll = 0): Place {
  const [sy, cy, sp, cp, sr, cr] = [sin(yaw), cos(yaw), sin(pitch), cos(pitch), sin(roll), cos(roll)]
  return {
    origin: inWorld(parent, offset),
    x: turned(parent, [cy * cr + sy * sp * sr, cp * sr, -sy * cr + cy * sp * sr]),
    y: turned(parent, [-cy * sr + sy * sp * cr, cp * cr, sy * sr + cy * sp * cr]),
    z: turned(parent, [sy * cp, -sp, cy * cp]),
  }
}

/** A point that follows two places, given in the coordinates of each; `t` 0..1 is the second one's share. */
export function between(a: Place, inA: Vec3, b: Place, inB: Vec3, t: number): Vec3 {
  if (t <= 0) return inWorld(a, inA)
  if (t >= 1) return inWorld(b, inB)
  const p = inWorld(a, inA)
  const q = inWorld(b, inB)
  return [mix(p[0], q[0], t), mix(p[1], q[1], t), mix(p[2], q[2], t)]
}

/** The joint between `a` and a target for two bones of given lengths, bent towards `pole`; a target out of reach is approached straight. */
export function twoBones(
  a: Vec3,
  target: Vec3,
  upper: number,
  lower: number,
  pole: Vec3,
): { joint: Vec3; end: Vec3; hinge: Vec3 } {
  const to = sub(target, a)
  const wanted = Math.sqrt(dot(to, to))
  const reach = Math.min(wanted, (upper + lower) * 0.998)
  const axis = scale(to, 1 / (wanted || 1))
  const along = (upper * upper - lower * lower + reach * reach) / (2 * reach)
  const aside = Math.sqrt(Math.max(0, upper * upper - along * along))
  let bend = sub(pole, scale(axis, dot(pole, axis)))
  bend = scale(bend, 1 / (Math.sqrt(dot(bend, bend)) || 1))
  const hinge: Vec3 = [
    axis[1] * bend[2] - axis[2] * bend[1],
    axis[2] * bend[0] - axis[0] * bend[2],
    axis[0] * bend[1] - axis[1] * bend[0],
  ]
  return { joint: add(a, add(scale(axis, along), scale(bend, aside))), end: add(a, scale(axis, reach)), hinge }
}
