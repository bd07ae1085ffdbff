import { loopSeconds } from './dance.ts'
import { type Vec3, cos, hash, mix, sin, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { cloth } from './surface.ts'

const blossom = cloth(0xffc2cf, 0xe994b0, { ink: 0.25 })

/** Petals in the wind: each falls through the view once a loop and comes in again above it; `tall` is half the view's height at one metre. */
export function petalParts(spread: number, tall: number, count = 26): Part[] {
  return Array.from({ length: count }, (_, k): Part => {
    const r = (j: number): number => hash(k, j + 100)
    const depth = mix(-2.2, 0.9, r(1))
    const x0 = mix(-1, 1, (k + r(2)) / count) * (4.1 - depth) * spread
    const away = 4.1 - depth
    const [top, bottom] = [0.98 + away * (tall * 1.12 - 0.03), 0.98 - away * (tall * 1.12 + 0.04)]
    const size = mix(0.016, 0.024, r(3))
    const spins = r(4) < 0.5 ? 1 : 2
    return part({ name: 'petals', surface: blossom, rows: 5, columns: 5, twoSided: true }, ({ time }) => {
      const cycle = time / loopSeconds
      const fall = cycle + r(5) - Math.floor(cycle + r(5))
      const sway = sin((cycle * 2 + r(6)) * tau)
      const centre: Vec3 = [
        x0 + 0.1 * sway + 0.35 * (fall - 0.5),
        mix(top, bottom, fall),
        depth + 0.08 * cos((cycle + r(7)) * tau),
      ]
      const roll = (cycle * spins + r(8)) * tau
      const yaw = (cycle + r(9)) * tau
      const [cr, sr, cy, sy] = [cos(roll), sin(roll), cos(yaw), sin(yaw)]
      return (u, v, _, row) => {
        const along = size * ((2 * v - 1) * 1.25 - (row === 4 && Math.abs(u - 0.5) < 0.1 ? 0.3 : 0))
        const width = size * (2 * u - 1) * [0.12, 0.7, 1, 0.95, 0.55][row]!
        const cup = size * 0.5 * (2 * u - 1) * (2 * u - 1)
        const y1 = along * cr - cup * sr
        const z1 = along * sr + cup * cr
        return [centre[0] + width * cy + z1 * sy, centre[1] + y1, centre[2] - width * sy + z1 * cy]
      }
    })
  })
}
