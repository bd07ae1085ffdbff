import { loft, straight } from './loft.ts'
import { type Vec3, cos, hash, mix, noise, sin, smoothstep, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { sky } from './sky.ts'
import { loopSeconds } from './dance.ts'
import { type Surface, cloth, colour, glaze, setTone } from './surface.ts'

const eyeDistance = 4.1

const grass = colour(0x9ccf7c)
const grassFar = colour(0xc4e2a0)
const grassDark = colour(0x7fb96c)
const grassShade = colour(0x5f9a74)
const petalWhite = colour(0xfffaf0)
const petalPink = colour(0xff9fb4)
const petalYellow = colour(0xffe07a)
const stone = colour(0xf3e6d3)
const stoneDark = colour(0xe0cdbd)
const stoneShade = colour(0xb2a0b4)
const joint = colour(0xcbb5ab)

const spokes = Array.from({ length: 16 }, (_, k) => [cos((k / 32) * tau), sin((k / 32) * tau)] as const)

/** The meadow and the round paved place in it, painted by metres on the ground (x, z) and distance. */
const meadow: Surface = {
  light: 'ground',
  ink: 0,
  scenery: true,
  paint: (tone, x, z) => {
    const r = Math.sqrt(x * x + z * z)
    const edge = 0.93 + 0.02 * noise(x * 9, z * 9)
    if (r < edge) {
      paintStones(tone, x, z, r)
      if (r < edge - 0.02) return
    } else {
      setTone(tone, grass, grassShade)
      glaze(tone, grassDark, grassShade, 0.8 * smoothstep(0.45, 0.75, noise(x * 1.3 + 7, z * 1.1)))
      glaze(tone, grassFar, grassShade, 0.85 * smoothstep(-1.5, -6.5, z))
      const blade = noise(x * 22, z * 7)
      glaze(tone, grassFar, grassShade, 0.5 * smoothstep(0.62, 0.8, blade))
      glaze(tone, grassShade, grassShade, 0.35 * smoothstep(0.3, 0.15, blade))
      paintFlowers(tone, x, z)
    }
    glaze(tone, grassDark, grassShade, 0.7 * smoothstep(0.03, 0, Math.abs(r - edge)))
  },
}

function paintStones(tone: Parameters<Surface['paint']>[0], x: number, z: number, r: number): void {
  setTone(tone, stone, stoneShade)
  const ring = r < 0.3 ? 0 : r < 0.62 ? 1 : 2
  const seams = ring === 0 ? [] : spokes
  let near = Math.abs(r - 0.3)
  near = Math.min(near, Math.abs(r - 0.62))
  let cell = 0
  for (let k = 0; k < seams.length; k++) {
    if (ring === 1 && k % 2 === 1) continue
    const [c, s] = seams[k]!
    const d = x * s - z * c
    if (d > 0) cell += 1
    else cell += 17 * (k + 1)
    near = Math.min(near, Math.abs(d))
  }
  glaze(tone, stoneDark, stoneShade, 0.9 * hash(cell, ring) * 0.8 + 0.25 * noise(x * 12, z * 12))
  if (ring === 0) {
    // A star in the middle.
    const star = noise(x * 20, z * 20) * 0.004
    glaze(tone, petalPink, stoneShade, 0.45 * smoothstep(0.215, 0.2, r + star) * smoothstep(0.165, 0.18, r + star))
  }
  glaze(tone, joint, stoneShade, 0.85 * smoothstep(0.014, 0.005, near))
}

function paintFlowers(tone: Parameters<Surface['paint']>[0], x: number, z: number): void {
  const size = 0.17
  const i = Math.floor(x / size)
  const j = Math.floor(z / size)
  const h = hash(i, j)
  if (h > 0.55) return
  const cx = (i + 0.25 + 0.5 * hash(i + 91, j)) * size
  const cz = (j + 0.25 + 0.5 * hash(i, j + 57)) * size
  const radius = 0.018 + 0.016 * hash(i + 13, j + 5)
  const d = ((x - cx) * (x - cx) + (z - cz) * (z - cz) * 0.45) / (radius * radius)
  const tint = h < 0.2 ? petalPink : h < 0.32 ? petalYellow : petalWhite
  glaze(tone, tint, colour(0xb49ac0), smoothstep(1.15, 0.75, d))
  glaze(tone, h < 0.32 && h > 0.2 ? petalWhite : petalYellow, grassShade, smoothstep(0.22, 0.1, d))
}

/** Rises and dips of the meadow, level where she dances. */
function ground(x: number, z: number): number {
  const away = smoothstep(1.0, 3.2, Math.sqrt(x * x + z * z))
  return away * (0.16 * (noise(x * 0.45 + 3, z * 0.4) - 0.5) + 0.03 * smoothstep(-2, -8, z))
}

function hill(seed: number, base: number, tall: number, wide: number, trees: number): (x: number) => number {
  return (x) => {
    const slope = base + tall * (noise(x / wide + seed, seed) - 0.5) + tall * 0.4 * (noise((x / wide) * 2.3, seed + 3) - 0.5)
    if (trees === 0) return slope
    const cell = Math.floor(x / trees)
    const h = hash(cell, seed)
    const d = (x / trees - cell - 0.5) / (0.42 + 0.3 * h)
    return (
      slope +
      (d * d < 1 ? trees * (0.25 + 0.5 * h) * Math.sqrt(1 - d * d) : 0) * smoothstep(0.3, 0.5, noise(x / (wide * 0.6), seed + 9))
    )
  }
}

/** Hills as upright sheets, painted by (x, y, distance below the crest). */
function ridge(
  name: string,
  z: number,
  half: number,
  top: (x: number) => number,
  light: number,
  low: number,
  dark: number,
): Part {
  const [high, deep, shade] = [colour(light), colour(low), colour(dark)]
  const surface: Surface = {
    light: 'plain',
    ink: 0,
    scenery: true,
    paint: (tone, x, y, below) => {
      setTone(tone, high, high)
      glaze(tone, deep, deep, smoothstep(0.1, 1.1, below))
      glaze(tone, shade, shade, 0.5 * smoothstep(0.5, 0.72, noise(x * 2.4, y * 4.5 + z)) * smoothstep(0.04, 0.2, below))
      glaze(tone, high, high, 0.5 * smoothstep(0.6, 0.8, noise(x * 5 + 9, y * 9)))
    },
  }
  const bottom = -1.5
  const paint = (u: number, v: number): Vec3 => {
    const x = mix(-half, half, u)
    const y = mix(bottom, top(x), v)
    return [x, y, top(x) - y]
  }
  return part({ name, surface, rows: 6, columns: 241, paint }, () => (u, v) => {
    const [x, y] = paint(u, v)
    return [x, y, z]
  })
}

function windmill(x: number, foot: number, z: number, size: number): Part[] {
  const name = 'windmill'
  const wall = { ...cloth(0xfff3e2, 0xcfc3d4), scenery: true }
  const roof = { ...cloth(0xe0796f, 0xa9586e), scenery: true }
  const sail = { ...cloth(0xfffdf6, 0xd8cfe0), scenery: true }
  const hub: Vec3 = [x, foot + 0.92 * size, z + 0.26 * size]
  return [
    loft(
      { name, surface: wall, rows: 6, columns: 17 },
      () => ({ points: straight([x, foot - 0.3 * size, z], [x, foot + 0.86 * size, z], 6), side: [1, 0, 0] }),
      (v) => [size * (0.27 - 0.09 * v), size * (0.27 - 0.09 * v)],
    ),
    loft(
      { name, surface: roof, rows: 5, columns: 17 },
      () => ({ points: straight([x, foot + 0.85 * size, z], [x, foot + 1.16 * size, z], 5), side: [1, 0, 0] }),
      (v) => [size * 0.22 * (1 - v), size * 0.22 * (1 - v)],
    ),
    ...[0, 1, 2, 3].map((k) =>
      part({ name, surface: sail, rows: 6, columns: 4, twoSided: true }, ({ time }) => {
        const angle = (k / 4 - (0.5 * time) / loopSeconds) * tau
        const [c, s] = [cos(angle), sin(angle)]
        return (u, v) => {
          const along = size * (0.1 + 0.72 * v)
          const aside = size * (-0.02 + 0.17 * u)
          return [hub[0] + c * along - s * aside, hub[1] + s * along + c * aside, hub[2] + size * 0.02 * u]
        }
      }),
    ),
  ]
}

/** Everything behind the dancer; `spread` is half the view's width at one metre's distance. */
export function landscapeParts(spread: number): Part[] {
  const half = (z: number): number => (eyeDistance - z) * (spread * 1.12 + 0.012) + 0.4
  const sheet = part(
    { name: 'sky', surface: sky, rows: 3, columns: 9, paint: (u, v) => [mix(-half(-30), half(-30), u), mix(-3, 14, v), 0] },
    () => (u, v) => [mix(-half(-30), half(-30), u), mix(-3, 14, v), -30],
  )
  const place = (u: number, v: number): Vec3 => {
    const z = mix(1.7, -8.5, v * (0.55 + 0.45 * v))
    const x = mix(-half(z), half(z), u)
    return [x, z, 0]
  }
  const field = part({ name: 'meadow', surface: meadow, rows: 60, columns: 49, paint: place }, () => (u, v) => {
    const [x, z] = place(u, v)
    return [x, ground(x, z), z]
  })
  return [
    field,
    ...windmill(-1.5, 1.08, -9.4, 0.62),
    ridge('near hills', -9.6, half(-10), hill(2, 1.02, 0.6, 2.6, 0), 0xa9d68e, 0x8cc488, 0x7ab584),
    ridge('woods', -13, half(-13), hill(5, 1.25, 0.8, 3.1, 0.34), 0x8fc7a0, 0xa6d3ae, 0x79b49a),
    ridge('mountains', -22, half(-22), hill(9, 2.1, 2.6, 4.2, 0), 0x9cc3dd, 0xd3e4e6, 0x8bb5d6),
    sheet,
  ]
}
