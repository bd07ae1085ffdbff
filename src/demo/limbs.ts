import { bent, loft, straight } from './loft.ts'
import { type Vec3, curve, lerp, mix, sin, smoothstep, tau } from './maths.ts'
import type { Part } from './mesh.ts'
import { bands, cream, creamCloth, indigo, shoeLeather, skin, skinSurface } from './palette.ts'
import { type Place, inWorld, turned } from './place.ts'
import { type Surface, glaze } from './surface.ts'
import type { Pose } from './swing.ts'

type Side = 'left' | 'right'

const armRadius = [
  [0, 0.032],
  [0.25, 0.031],
  [0.5, 0.0265],
  [0.62, 0.0285],
  [0.85, 0.021],
  [1, 0.0185],
] as const

const legRadius = [
  [0, 0.072],
  [0.12, 0.07],
  [0.3, 0.058],
  [0.48, 0.0435],
  [0.54, 0.042],
  [0.66, 0.0475],
  [0.8, 0.038],
  [0.93, 0.0265],
  [1, 0.027],
] as const

function arm(side: Side): Part[] {
  const spineOf = ({ arms }: Pose): { points: Vec3[]; side: Vec3 } => {
    const { root, joint, end, hinge } = arms[side]
    return { points: bent(root, joint, end, 24), side: hinge }
  }
  const cuff = loft(
    { name: 'cuffs', surface: bands(indigo, [0.22, cream], [0.34, indigo]), rows: 7, columns: 17 },
    ({ arms }) => {
      const { joint, end, hinge } = arms[side]
      return { points: straight(lerp(joint, end, 0.98), lerp(joint, end, 0.72), 7), side: hinge }
    },
    (v) => {
      const r = v < 0.01 || v > 0.99 ? 0.019 : 0.0285 - 0.004 * v
      return [r, r]
    },
  )
  return [
    loft({ name: `${side} arm`, surface: skinSurface, rows: 24, columns: 17 }, spineOf, (v) => {
      const r = curve(armRadius, v)
      return [r, r]
    }),
    cuff,
    ...hand(side),
  ]
}

/** A hand in its own place: y along the fingers, z out of the palm, x across; thumbs point inward. */
function hand(side: Side): Part[] {
  const name = `${side} hand`
  const sign = side === 'left' ? 1 : -1
  const place = ({ arms }: Pose): Place => arms[side].tip
  const palm = loft(
    { name, surface: skinSurface, rows: 9, columns: 15 },
    (pose) => ({
      points: straight(inWorld(place(pose), [0, -0.012, 0]), inWorld(place(pose), [0, 0.054, 0]), 9),
      side: place(pose).x,
    }),
    (v) => [curve(palmWidth, v), curve(palmDepth, v)],
  )
  const finger = (x: number, spread: number, length: number, curl: number, from: Vec3, radius: number): Part =>
    loft(
      { name, surface: skinSurface, rows: 9, columns: 9 },
      (pose) => {
        const at = place(pose)
        const points = Array.from({ length: 9 }, (_, k): Vec3 => {
          const t = k / 8
          return inWorld(at, [
            from[0] + x + spread * t,
            from[1] + length * t * (1 - 0.25 * curl * t),
            from[2] + curl * length * 0.45 * t * t,
          ])
        })
        return { points, side: turned(at, [0, 0, 1]) }
      },
      (v) => {
        const r = radius * (1 - 0.25 * v) * Math.sqrt(Math.max(0, 1 - v * v * v * v * v * v))
        return [r, r]
      },
    )
  return [
    palm,
    finger(-0.0165 * sign, -0.008 * sign, 0.044, 0.35, [0, 0.046, 0], 0.0072),
    finger(-0.0055 * sign, -0.0015 * sign, 0.049, 0.3, [0, 0.049, 0], 0.0074),
    finger(0.0055 * sign, 0.004 * sign, 0.046, 0.35, [0, 0.048, 0], 0.0072),
    finger(0.0155 * sign, 0.011 * sign, 0.037, 0.45, [0, 0.043, 0], 0.0065),
    finger(-0.013 * sign, -0.024 * sign, 0.034, 0.5, [0, 0.012, 0.003], 0.0085),
  ]
}

const palmWidth = [
  [0, 0.014],
  [0.25, 0.019],
  [0.7, 0.0235],
  [0.92, 0.0215],
  [1, 0],
] as const
const palmDepth = [
  [0, 0.014],
  [0.3, 0.013],
  [0.85, 0.0105],
  [1, 0],
] as const

/** Leather on a light sole, painted by the angle around the shoe. */
const soled: Surface = {
  ...shoeLeather,
  paint: (tone, u, v, c, time) => {
    shoeLeather.paint(tone, u, v, c, time)
    glaze(tone, cream.light, cream.shade, smoothstep(-0.3, -0.36, sin(u * tau)))
  },
}

function leg(side: Side): Part[] {
  const stocking = bands(skin, [0.4, indigo], [0.415, cream], [0.43, indigo], [0.445, cream])
  const name = `${side} leg`
  const limb = loft(
    { name, surface: stocking, rows: 34, columns: 21 },
    ({ legs }) => {
      const { root, joint, end, hinge } = legs[side]
      return { points: bent(root, joint, end, 34, 0, 2, 0.25), side: hinge }
    },
    (v) => {
      const r = curve(legRadius, v) + 0.0025 * smoothstep(0.395, 0.405, v) * smoothstep(0.46, 0.44, v)
      return [r, r]
    },
  )
  const foot = ({ legs }: Pose): Place => legs[side].tip
  const shoe = loft(
    { name: `${side} shoe`, surface: soled, rows: 18, columns: 19 },
    (pose) => {
      const points = Array.from({ length: 18 }, (_, k): Vec3 => {
        const t = k / 17
        return inWorld(foot(pose), [0, -0.083 + curve(shoeHeight, t) * 0.62, mix(-0.058, 0.122, t)])
      })
      return { points, side: foot(pose).x }
    },
    (v, u) => [curve(shoeWidth, v), curve(shoeHeight, v) * (sin(u * tau) < 0 ? 0.62 : 1)],
  )
  const sock = (from: Vec3, to: Vec3, profile: (v: number) => number): Part =>
    loft(
      { name, surface: creamCloth, rows: 7, columns: 17 },
      (pose) => ({ points: straight(inWorld(foot(pose), from), inWorld(foot(pose), to), 7), side: foot(pose).x }),
      (v) => [profile(v), profile(v)],
    )
  const heel = sock([0, -0.066, -0.016], [0, 0.016, -0.001], (v) => (v > 0.99 ? 0.02 : 0.034 - 0.007 * v))
  const instep = sock([0, -0.066, 0.08], [0, -0.006, -0.008], (v) => (v < 0.01 ? 0 : 0.02 + 0.008 * v))
  const strap = loft(
    { name: `${side} shoe`, surface: shoeLeather, rows: 3, columns: 19 },
    (pose) => ({
      points: straight(inWorld(foot(pose), [0, -0.058, 0.034]), inWorld(foot(pose), [0, -0.052, 0.018]), 3),
      side: foot(pose).x,
    }),
    () => [0.0345, 0.0345],
  )
  return [limb, shoe, heel, instep, strap]
}

const shoeWidth = [
  [0, 0],
  [0.03, 0.018],
  [0.12, 0.031],
  [0.4, 0.034],
  [0.7, 0.041],
  [0.9, 0.031],
  [0.97, 0.018],
  [1, 0],
] as const
const shoeHeight = [
  [0, 0.014],
  [0.05, 0.029],
  [0.2, 0.032],
  [0.42, 0.024],
  [0.62, 0.0245],
  [0.82, 0.021],
  [0.94, 0.015],
  [1, 0.006],
] as const

export function limbParts(): Part[] {
  return (['left', 'right'] as const).flatMap((side) => [...arm(side), ...leg(side)])
}
