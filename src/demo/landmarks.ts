import { loopSeconds } from './dance.ts'
import { loft, straight } from './loft.ts'
import { type Vec3, cos, noise, sin, smoothstep, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { type Surface, cloth, colour, glaze, setTone } from './surface.ts'

const leaf = colour(0x93cf88)
const leafLight = colour(0xbbe296)
const leafShade = colour(0x63ad90)

/** A windmill whose sails make half a turn a loop; `foot` is the ground's height, `size` the tower's height, metres. */
export function windmill(x: number, foot: number, z: number, size: number): Part[] {
  const name = 'windmill'
  const wall = { ...cloth(0xfff3e2, 0xcfc3d4, { ink: 0.3 }), scenery: true }
  const roof = { ...cloth(0xe58a7c, 0xb56a7c, { ink: 0.3 }), scenery: true }
  const sail = { ...cloth(0xfff8ee, 0xd8cfe0, { ink: 0.2 }), scenery: true }
  const hub: Vec3 = [x, foot + 0.92 * size, z + 0.26 * size]
  return [
    loft(
      { name, surface: wall, rows: 6, columns: 17, fixed: true },
      () => ({ points: straight([x, foot - 0.6 * size, z], [x, foot + 0.86 * size, z], 6), side: [1, 0, 0] }),
      (v) => [size * (0.27 - 0.09 * v), size * (0.27 - 0.09 * v)],
    ),
    loft(
      { name, surface: roof, rows: 5, columns: 17, fixed: true },
      () => ({ points: straight([x, foot + 0.85 * size, z], [x, foot + 1.16 * size, z], 5), side: [1, 0, 0] }),
      (v) => [size * 0.22 * (1 - v), size * 0.22 * (1 - v)],
    ),
    ...[0, 1, 2, 3].map((k) =>
      part({ name, surface: sail, rows: 6, columns: 4, twoSided: true }, ({ time }) => {
        const angle = (k / 4 - (0.5 * time) / loopSeconds) * tau
        const [c, s] = [cos(angle), sin(angle)]
        return (u, v) => {
          const along = size * (0.08 + 0.66 * v)
          const aside = size * (-0.02 + (0.1 + 0.07 * v) * u)
          return [hub[0] + c * along - s * aside, hub[1] + s * along + c * aside, hub[2] + size * 0.02 * u]
        }
      }),
    ),
  ]
}

/** A round tree: a trunk and overlapping balls of leaves; `foot` is where it stands, `size` its height, metres. */
export function tree(foot: Vec3, size: number, seed: number): Part[] {
  const name = 'trees'
  const bark = { ...cloth(0xb98a72, 0x8a627a, { ink: 0.3 }), scenery: true }
  const leaves: Surface = {
    ...cloth(0x93cf88, 0x63ad90, { ink: 0.2 }),
    scenery: true,
    paint: (tone, u, v) => {
      setTone(tone, leaf, leafShade)
      glaze(tone, leafLight, leafShade, smoothstep(0.5, 0.75, noise(u * 14 + seed, v * 9)))
    },
  }
  const ball = (x: number, y: number, radius: number): Part =>
    loft(
      { name, surface: leaves, rows: 13, columns: 19, fixed: true },
      () => ({
        points: Array.from({ length: 13 }, (_, k): Vec3 => [
          foot[0] + x * size,
          foot[1] + (y - radius * cos((k / 24) * tau)) * size,
          foot[2],
        ]),
        side: [1, 0, 0],
      }),
      (v, u) => {
        const r = radius * size * sin((v / 2) * tau) * (1 + 0.07 * sin(u * tau * 5 + seed + 4 * v))
        return [r, r]
      },
    )
  return [
    loft(
      { name, surface: bark, rows: 3, columns: 9, fixed: true },
      () => ({
        points: straight([foot[0], foot[1] + 0.06 * size, foot[2]], [foot[0], foot[1] + 0.5 * size, foot[2]], 3),
        side: [1, 0, 0],
      }),
      () => [0.05 * size, 0.05 * size],
    ),
    ball(-0.17, 0.5, 0.24),
    ball(0.19, 0.53, 0.22),
    ball(0.01, 0.72, 0.28),
  ]
}
