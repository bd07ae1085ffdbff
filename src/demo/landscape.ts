import { type Vec3, cos, hash, mix, noise, sin, smoothstep, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { sky } from './sky.ts'
import { tree, windmill } from './landmarks.ts'
import { type Surface, colour, glaze, setTone } from './surface.ts'

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
      glaze(tone, grassFar, grassShade, 0.4 * smoothstep(0.6, 0.85, blade))
      glaze(tone, grassShade, grassShade, 0.22 * smoothstep(0.3, 0.15, blade))
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

interface Ridge {
  readonly name: string
  readonly z: number
  readonly half: number
  readonly top: (x: number) => number
  /** Colours at the crest, further down, and of patches. */
  readonly colours: readonly [crest: number, below: number, patches: number]
  /** How strong the patches are, 0..1. */
  readonly rough: number
}

/** Hills as an upright sheet, painted by (x, y, distance below the crest). */
function ridge({ name, z, half, top, colours, rough }: Ridge): Part {
  const [high, deep, shade] = [colour(colours[0]), colour(colours[1]), colour(colours[2])]
  const surface: Surface = {
    light: 'plain',
    ink: 0,
    scenery: true,
    paint: (tone, x, y, below) => {
      setTone(tone, high, high)
      glaze(tone, deep, deep, smoothstep(0.1, 1.1, below))
      glaze(
        tone,
        shade,
        shade,
        rough * smoothstep(0.35, 0.85, noise(x * 1.1 + 0.6 * y, y * 2.6 + z)) * smoothstep(0.02, 0.25, below),
      )
      glaze(tone, high, high, 0.35 * rough * smoothstep(0.55, 0.85, noise(x * 6 + 9, y * 14)))
    },
  }
  const bottom = -1.5
  const paint = (u: number, v: number): Vec3 => {
    const x = mix(-half, half, u)
    const y = mix(bottom, top(x), v)
    return [x, y, top(x) - y]
  }
  return part({ name, surface, rows: 2, columns: 2 * Math.round(half * 35) + 1, paint, fixed: true }, () => (u, v) => {
    const [x, y] = paint(u, v)
    return [x, y, z]
  })
}

/** Everything behind the dancer; `spread` and `tall` are half the view's width and height at one metre's distance. */
export function landscapeParts(spread: number, tall: number): Part[] {
  const half = (z: number): number => (eyeDistance - z) * (spread * 1.12 + 0.012) + 0.4
  const skyTop = 3 + 36 * tall
  const nearest = Math.max(1.7, eyeDistance - 0.85 / (tall + 0.06))
  const sheet = part(
    {
      name: 'sky',
      fixed: true,
      surface: sky,
      rows: 3,
      columns: 9,
      paint: (u, v) => [mix(-half(-30), half(-30), u), mix(-3, skyTop, v), 0],
    },
    () => (u, v) => [mix(-half(-30), half(-30), u), mix(-3, skyTop, v), -30],
  )
  const place = (u: number, v: number): Vec3 => {
    const z = mix(nearest, -8.5, v * (0.55 + 0.45 * v))
    const x = mix(-half(z), half(z), u)
    return [x, z, 0]
  }
  const field = part({ name: 'meadow', surface: meadow, rows: 44, columns: 37, paint: place, fixed: true }, () => (u, v) => {
    const [x, z] = place(u, v)
    return [x, ground(x, z), z]
  })
  const nearTop = hill(2, 1.02, 0.6, 2.6, 0)
  return [
    field,
    ...windmill(-1.52, nearTop(-1.52) + 0.12, -9.95, 0.6),
    ...tree([1.62, nearTop(1.62) - 0.1, -9.5], 0.62, 2),
    ...tree([2.12, nearTop(2.12) - 0.22, -9.3], 0.8, 5),
    ...tree([-2.9, nearTop(-2.9) - 0.2, -9.3], 0.75, 9),
    ...tree([4.4, nearTop(4.4) - 0.1, -9.5], 0.7, 12),
    ridge({ name: 'near hills', z: -9.6, half: half(-9.6), top: nearTop, colours: [0xb4dc92, 0x8cc488, 0x7cba80], rough: 0.6 }),
    ridge({
      name: 'woods',
      z: -13,
      half: half(-13),
      top: hill(5, 1.25, 0.8, 3.1, 0.34),
      colours: [0x86c19a, 0xa9d6b0, 0x74af95],
      rough: 0.5,
    }),
    ridge({
      name: 'mountains',
      z: -22,
      half: half(-22),
      top: hill(9, 2.1, 2.6, 4.2, 0),
      colours: [0x9cc6e0, 0xdbe8e6, 0x86b3d6],
      rough: 0.35,
    }),
    sheet,
  ]
}
