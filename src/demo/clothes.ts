import { loft, straight } from './loft.ts'
import { type Vec3, cos, curve, sin, smoothstep, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { coralCloth, cream, gold, indigo, skin } from './palette.ts'
import { type Place, attach, between, inWorld, turned } from './place.ts'
import { rest } from './pose.ts'
import { type Surface, glaze, setTone } from './surface.ts'
import { type Pose, tie } from './swing.ts'

/** The trunk by height (metres above the ground, standing): half width, half depth, how far forward. */
const halfWidth = [
  [0.76, 0.05],
  [0.8, 0.092],
  [0.85, 0.112],
  [0.9, 0.102],
  [0.97, 0.078],
  [1.04, 0.088],
  [1.1, 0.102],
  [1.16, 0.108],
  [1.2, 0.102],
  [1.225, 0.074],
  [1.24, 0.046],
  [1.25, 0.03],
  [1.255, 0.012],
] as const
const halfDepth = [
  [0.76, 0.05],
  [0.85, 0.084],
  [0.9, 0.078],
  [0.97, 0.062],
  [1.04, 0.069],
  [1.11, 0.085],
  [1.16, 0.076],
  [1.2, 0.06],
  [1.225, 0.05],
  [1.24, 0.04],
  [1.25, 0.028],
  [1.255, 0.012],
] as const
const forward = [
  [0.9, 0],
  [1.04, 0.004],
  [1.11, 0.016],
  [1.17, 0.006],
  [1.22, -0.004],
] as const

function trunk(height: number, angle: number, gap = 0): Vec3 {
  return [
    (curve(halfWidth, height) + gap) * sin(angle),
    height,
    curve(forward, height) + (curve(halfDepth, height) + gap) * cos(angle),
  ]
}

/** A point of the trunk follows the hips below and the chest above. */
function onTrunk({ pelvis, chest }: Pose, [x, y, z]: Vec3): Vec3 {
  return between(pelvis, [x, y - rest.pelvis, z], chest, [x, y - rest.chest, z], smoothstep(0.88, 1.1, y))
}

/** The blouse with its sailor collar and sash, painted by (side, height, depth) as she stands. */
const blouse: Surface = {
  light: 'toon',
  ink: 1,
  scenery: false,
  paint: (tone, x, y, z) => {
    setTone(tone, cream.light, cream.shade)
    const neckline = z > 0 ? 1.165 + 1.35 * Math.abs(x) : 1.232
    const collar = z > 0 ? 1.118 + 0.95 * Math.abs(x) : 1.128
    const edge = (from: number): number => smoothstep(from - 0.0015, from + 0.0015, y)
    glaze(tone, indigo.light, indigo.shade, edge(collar))
    glaze(tone, cream.light, cream.shade, edge(collar + 0.012) * (1 - edge(collar + 0.018)))
    glaze(tone, skin.light, skin.shade, edge(Math.max(neckline, collar + 0.02)))
    glaze(tone, indigo.light, indigo.shade, 1 - edge(1.0))
    glaze(tone, gold.light, gold.shade, edge(0.994) * (1 - edge(1.002)))
  },
}

function trunkPart(): Part {
  const local = (u: number, v: number): Vec3 => trunk(0.76 + 0.495 * v, (u - 0.5) * tau)
  return part(
    { name: 'blouse', surface: blouse, rows: 40, columns: 41, closed: true, paint: local },
    (pose) => (u, v) => onTrunk(pose, local(u, v)),
  )
}

/** A bow: two loops, two ends and a knot, in the plane x-y of a place; sizes in metres. */
function bow(name: string, surface: Surface, size: number, at: (pose: Pose) => Place, droop = 0.3): Part[] {
  const wing = (sign: number, tipX: number, tipY: number, width: number, end: boolean): Part =>
    loft(
      { name, surface, rows: 11, columns: 13 },
      (pose) => {
        const place = at(pose)
        return {
          points: straight(inWorld(place, [0, 0, 0]), inWorld(place, [sign * tipX * size, tipY * size, 0.08 * size]), 11),
          side: turned(place, [0, 1, 0]),
        }
      },
      end
        ? (v) => [size * width * (0.35 + 0.65 * v) * (v > 0.99 ? 0 : 1), size * 0.05 * (v > 0.99 ? 0 : 1)]
        : (v) => [
            size * width * Math.sqrt(Math.max(0, 1 - v * v * v * v)) * (0.28 + 0.8 * v),
            size * 0.24 * Math.sqrt(Math.max(0, 1 - v * v)) * (0.4 + v),
          ],
    )
  const knot = loft(
    { name, surface, rows: 7, columns: 13 },
    (pose) => {
      const place = at(pose)
      return {
        points: straight(inWorld(place, [0, -0.2 * size, 0.06 * size]), inWorld(place, [0, 0.2 * size, 0.06 * size]), 7),
        side: place.x,
      }
    },
    (v) => {
      const r = Math.sqrt(Math.max(0, 1 - (2 * v - 1) * (2 * v - 1)))
      return [0.17 * size * r, 0.2 * size * r]
    },
  )
  return [
    wing(1, 1, 0.25 - droop * 0.3, 0.42, false),
    wing(-1, 1, 0.25 - droop * 0.3, 0.42, false),
    wing(1, 0.5, -1.15, 0.2, true),
    wing(-1, 0.5, -1.15, 0.2, true),
    knot,
  ]
}

/** A puffed sleeve: from the shoulder over part of the upper arm. */
function sleeve(side: 'left' | 'right'): Part {
  const paint: Surface['paint'] = (tone, _, v) => {
    setTone(tone, cream.light, cream.shade)
    glaze(tone, gold.light, gold.shade, smoothstep(0.83, 0.84, v) * smoothstep(0.93, 0.92, v))
  }
  return loft(
    { name: 'sleeves', surface: { light: 'toon', ink: 1, scenery: false, paint }, rows: 18, columns: 21 },
    ({ arms, chest }) => {
      const { root, joint, hinge } = arms[side]
      const sign = side === 'left' ? 1 : -1
      const d: Vec3 = [joint[0] - root[0], joint[1] - root[1], joint[2] - root[2]]
      const at = (t: number): Vec3 => [root[0] + d[0] * t, root[1] + d[1] * t, root[2] + d[2] * t]
      const start = at(-0.16)
      const inner = turned(chest, [-0.012 * sign, 0.004, 0])
      return { points: straight([start[0] + inner[0], start[1] + inner[1], start[2] + inner[2]], at(0.5), 18), side: hinge }
    },
    (v, u) => {
      const r = curve(sleeveRadius, v) * (1 + 0.05 * smoothstep(0.2, 0.6, v) * sin(u * tau * 7))
      return [r, r]
    },
  )
}

const sleeveRadius = [
  [0, 0],
  [0.05, 0.026],
  [0.2, 0.043],
  [0.5, 0.056],
  [0.72, 0.052],
  [0.84, 0.04],
  [0.95, 0.041],
  [1, 0.03],
] as const

export function clothesParts(): Part[] {
  return [
    trunkPart(),
    sleeve('left'),
    sleeve('right'),
    ...bow('ribbon', coralCloth, 0.066, (pose) => {
      const origin = onTrunk(pose, trunk(1.118, 0, 0.012))
      return attach({ ...pose.chest, origin }, [0, 0, 0], 0, -0.1)
    }),
    ...bow(
      'sash',
      coralCloth,
      0.1,
      (pose) => attach({ ...pose.pelvis, origin: onTrunk(pose, trunk(0.985, tau / 2, 0.02)) }, [0, 0, 0], tau / 2),
      0.1,
    ),
    ...(['left', 'right'] as const).flatMap((side) => {
      const sign = side === 'left' ? 1 : -1
      return bow('hair ribbons', coralCloth, 0.075, ({ head }) =>
        attach(head, [sign * (tie[0] + 0.01), tie[1] + 0.012, tie[2] + 0.02], sign * 0.5, 0, sign * -0.7),
      )
    }),
  ]
}
