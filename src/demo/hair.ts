import { onHead } from './head.ts'
import { loft, through } from './loft.ts'
import { type Vec3, add, across, cos, curve, degrees, hash, mix, noise, scale, sin, smoothstep, sub, tau, unit } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { hairTones } from './palette.ts'
import { inWorld, turned } from './place.ts'
import { type Surface, colour, glaze, setTone } from './surface.ts'
import type { Pose } from './swing.ts'

const bright = colour(0xffd596)
const deep = colour(0xe2814f)
const deepShade = colour(0xa94f58)

/** Hair on the head: painted by the head's coordinates, with a ring of light around the crown. */
const crown: Surface = {
  light: 'toon',
  ink: 0.9,
  scenery: false,
  paint: (tone, x, y, z) => {
    setTone(tone, hairTones.light, hairTones.shade)
    const turn = x / (Math.abs(z) + Math.abs(x) + 0.02) + (z < 0 ? 3 : 0)
    const strand = noise(turn * 26, 3)
    glaze(tone, deep, deepShade, 0.55 * smoothstep(0.62, 0.78, strand) + 0.3 * smoothstep(0.05, 0, y))
    const ring = Math.abs(y - 0.088 - 0.02 * (noise(turn * 19, 8) - 0.5)) - 0.013 - 0.006 * noise(turn * 31, 1)
    glaze(tone, bright, hairTones.light, 0.85 * smoothstep(0.004, -0.004, ring) * smoothstep(0.2, 0.3, noise(turn * 13, 5)))
  },
}

/** Loose locks: streaks along them, light on the bend near the tie. */
const locks: Surface = {
  light: 'toon',
  ink: 0.9,
  scenery: false,
  paint: (tone, u, v, seed) => {
    setTone(tone, hairTones.light, hairTones.shade)
    const streak = noise(u * 9 + seed * 5.1, v * 1.2 + seed)
    glaze(tone, deep, deepShade, 0.6 * smoothstep(0.55, 0.75, streak) + 0.35 * smoothstep(0.75, 1, v))
    const shine = Math.abs(v - 0.17 - 0.05 * noise(u * 14, seed)) - 0.028
    glaze(tone, bright, hairTones.light, 0.7 * smoothstep(0.012, -0.008, shine) * smoothstep(0.25, 0.4, noise(u * 17, seed + 4)))
  },
}

function cap(): Part {
  const hem = (angle: number): number =>
    degrees(
      curve(
        [
          [0, 33],
          [45, 30],
          [72, 4],
          [95, -24],
          [140, -42],
          [180, -46],
        ],
        (Math.abs(angle) * 360) / tau,
      ),
    )
  const local = (u: number, v: number): Vec3 => {
    const angle = (u - 0.5) * tau
    const rise = mix(hem(angle), tau / 4, v)
    const c = cos(rise)
    const flat = v > 0.999 ? 0 : c
    return [0.133 * sin(angle) * flat, 0.018 + 0.15 * sin(rise), -0.006 + 0.141 * cos(angle) * flat]
  }
  return part(
    { name: 'hair', surface: crown, rows: 22, columns: 49, closed: true, twoSided: true, paint: local },
    ({ head }) =>
      (u, v) =>
        inWorld(head, local(u, v)),
  )
}

/** A lock that lies on the forehead: from the crown at `from` to a tip at `to` (angle in degrees, height). */
function bang(from: readonly [number, number], to: readonly [number, number], width: number, lift: number): Part {
  const rows = 14
  const points = Array.from({ length: rows }, (_, r): Vec3 => {
    const t = r / (rows - 1)
    const angle = degrees(mix(from[0], to[0], t * t * (1.6 - 0.6 * t)))
    const y = mix(from[1], to[1], t * (0.55 + 0.45 * t))
    return onHead(angle, y, 0.006 + (0.009 + lift) * smoothstep(0, 0.35, t) + 0.013 * sin(t * 2.6))
  })
  const middle = degrees((from[0] + to[0]) / 2)
  const side: Vec3 = [cos(middle), 0, -sin(middle)]
  const half = (v: number): number => width * Math.sqrt(Math.max(0, 1 - v)) * (0.62 + 0.75 * v * (1 - 0.4 * v))
  return loft(
    { name: 'bangs', surface: crown, rows, columns: 13, paint: (_, v) => points[Math.round(v * (rows - 1))]! },
    ({ head, swing }) => ({
      points: points.map((point, r) =>
        add(inWorld(head, point), scale(swing.headLag, 0.12 * (r / (rows - 1)) * (r / (rows - 1)))),
      ),
      side: turned(head, side),
    }),
    (v) => [half(v), 0.011 * Math.sqrt(Math.max(0, 1 - v * v))],
  )
}

/** A lock that hangs free beside the face. */
function sideLock(sign: 1 | -1, points: readonly Vec3[], width: number): Part {
  const rows = 20
  const line = through(
    points.map(([x, y, z]): Vec3 => [sign * x, y, z]),
    rows,
  )
  return loft(
    { name: 'side hair', surface: locks, rows, columns: 13, paint: (u, v) => [u, 0.25 + 0.75 * v, sign + 2] },
    ({ head, swing }) => ({
      points: line.map((point, r) => {
        const t = Math.max(0, (r / (rows - 1) - 0.3) / 0.7)
        return add(inWorld(head, point), scale(swing.headLag, 0.75 * t * t))
      }),
      side: turned(head, [0.5 * sign, 0, -1]),
    }),
    (v) => [width * Math.sqrt(Math.max(0, 1 - v * v)) * (0.75 + 0.5 * v), 0.014 * Math.sqrt(Math.max(0, 1 - v * v))],
  )
}

/** A tail is a bundle of locks around the simulated line, each with its own length and tip. */
function tail(name: 'left' | 'right'): Part[] {
  const sign = name === 'left' ? 1 : -1
  const rows = 26
  return Array.from({ length: 7 }, (_, k): Part => {
    const middle = k === 0
    const angle = (k / 6) * tau + 0.4
    const reach = middle ? 0 : 0.034
    const long = middle ? 1 : 0.8 + 0.2 * hash(k, sign)
    const width = middle ? 0.05 : 0.034
    return loft(
      { name: `${name} tail`, surface: locks, rows, columns: 11, paint: (u, v) => [u, v, k + sign * 7] },
      (pose) => {
        const { line, side } = tailLine(pose, name, rows, long)
        return {
          side,
          points: line.map((point, r) => {
            const v = r / (rows - 1)
            const along = unit(sub(line[Math.min(r + 1, rows - 1)]!, line[Math.max(r - 1, 0)]!))
            const n = across(side, along)
            const b = across(
              [along[1] * n[2] - along[2] * n[1], along[2] * n[0] - along[0] * n[2], along[0] * n[1] - along[1] * n[0]],
              along,
            )
            const away = reach * (smoothstep(0, 0.3, v) - 0.25 * smoothstep(0.55, 1, v)) * (1 + 0.3 * sin(v * 5 + k))
            return add(point, add(scale(n, away * cos(angle)), scale(b, away * sin(angle))))
          }),
        }
      },
      (v) => {
        const w = width * curve(tailWidth, v)
        return [w, w * 0.8]
      },
    )
  })
}

const tailWidth = [
  [0, 0.34],
  [0.12, 0.75],
  [0.35, 1],
  [0.65, 0.86],
  [0.88, 0.42],
  [1, 0],
] as const

function tailLine({ head, swing }: Pose, name: 'left' | 'right', rows: number, long: number): { line: Vec3[]; side: Vec3 } {
  const all = through(swing.tails[name], 60)
  const line = Array.from({ length: rows }, (_, r): Vec3 => {
    const s = (r / (rows - 1)) * long * 59
    const k = Math.min(58, Math.floor(s))
    const t = s - k
    const [a, b] = [all[k]!, all[k + 1]!]
    return [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)]
  })
  return { line, side: head.z }
}

/** A small strand that stands up from the crown. */
function tuft(): Part {
  const line = through(
    [
      [0.004, 0.155, 0.02],
      [0.014, 0.19, 0.03],
      [0.04, 0.212, 0.038],
      [0.066, 0.2, 0.05],
    ],
    12,
  )
  return loft(
    { name: 'hair', surface: locks, rows: 12, columns: 9, paint: (u, v) => [u, 0.3 + 0.5 * v, 9] },
    ({ head, swing }) => ({
      points: line.map((point, r) => add(inWorld(head, point), scale(swing.headLag, 0.5 * (r / 11) * (r / 11)))),
      side: head.z,
    }),
    (v) => [0.009 * Math.sqrt(Math.max(0, 1 - v)), 0.011 * Math.sqrt(Math.max(0, 1 - v))],
  )
}

export function hairParts(): Part[] {
  return [
    cap(),
    bang([-4, 0.148], [3, -0.008], 0.024, 0.006),
    bang([-8, 0.146], [-17, 0.018], 0.027, 0.003),
    bang([6, 0.146], [22, 0.014], 0.028, 0.003),
    bang([-16, 0.142], [-37, 0.012], 0.03, 0.002),
    bang([16, 0.142], [42, 0.008], 0.031, 0.002),
    bang([-28, 0.135], [-58, -0.02], 0.033, 0.001),
    bang([30, 0.135], [62, -0.024], 0.033, 0.001),
    bang([-48, 0.12], [-78, -0.045], 0.033, 0.004),
    bang([50, 0.12], [80, -0.045], 0.033, 0.004),
    ...([1, -1] as const).map((sign) =>
      sideLock(
        sign,
        [
          [0.104, 0.085, 0.058],
          [0.128, 0.02, 0.064],
          [0.127, -0.06, 0.064],
          [0.113, -0.13, 0.068],
          [0.118, -0.2, 0.06],
        ],
        0.02,
      ),
    ),
    tuft(),
    ...tail('left'),
    ...tail('right'),
  ]
}
