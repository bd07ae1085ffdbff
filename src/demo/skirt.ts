import { type Vec3, add, clamp, cos, dot, mix, scale, sin, smoothstep, sub, tau } from './maths.ts'
import { type Part, part } from './mesh.ts'
import { type Surface, glaze } from './surface.ts'
import { bands, cream, indigo } from './palette.ts'
import { inWorld, turned } from './place.ts'
import type { Limb } from './pose.ts'
import { waistHeight } from './swing.ts'

const pleats = 18
const columns = pleats * 6 + 1

/** Half widths of the waist (sideways, front to back), metres. */
const waist = [0.088, 0.071] as const

/** A layer of cloth from the waist: `long` metres, `wide` its slope at rest, pleats `deep` metres at the hem. */
interface Layer {
  readonly long: number
  readonly wide: number
  readonly deep: number
  readonly gap: number
}

function layer({ long, wide, deep, gap }: Layer, options: { name: string; rows: number; surface: Part['surface'] }): Part {
  return part({ ...options, columns, closed: true, twoSided: true }, (pose) => {
    const { pelvis, swing } = pose
    const flare = clamp(swing.flare, -0.35, 1.15)
    // The slope from the vertical: steep over the hips, flatter towards the hem the faster she turns.
    const slope = (v: number): number => wide * (1.42 - 0.72 * v) + flare * (0.14 + 0.5 * v)
    const profile = [{ out: 0, down: 0 }]
    const parts = 20
    for (let k = 0; k < parts; k++) {
      const a = slope((k + 0.5) / parts)
      const { out, down } = profile[k]!
      profile.push({ out: out + (long / parts) * sin(a), down: down + (long / parts) * cos(a) })
    }
    const legs = [pose.legs.left, pose.legs.right]
    return (u, v, column) => {
      // Rows rise from the hem to the waist.
      const s = 1 - v
      const k = Math.min(parts - 1, Math.floor(s * parts))
      const t = s * parts - k
      const out = mix(profile[k]!.out, profile[k + 1]!.out, t)
      const down = mix(profile[k]!.down, profile[k + 1]!.down, t)
      const angle = (u - 0.5) * tau + swing.hemTurn * 0.75 * s * s
      const fold = pleat(column) * deep * smoothstep(0.02, 0.9, s)
      const wave = (0.01 + 0.008 * flare) * s * s * sin(4 * angle + 2 * pose.yaw)
      const radius = out + fold + gap + wave
      const [c, d] = [sin(angle), cos(angle)]
      const local: Vec3 = [c * (waist[0] + radius), waistHeight - down + wave * 0.5, d * (waist[1] + radius)]
      const p = inWorld(pelvis, local)
      const lagged: Vec3 = [p[0] + swing.hemLag[0] * 1.1 * s * s, p[1], p[2] + swing.hemLag[1] * 1.1 * s * s]
      return clearOfLegs(lagged, legs, turned(pelvis, [c, 0, d]), 0.012 + gap)
    }
  })
}

/** Six columns a pleat: a soft ridge and a sharp fold. */
function pleat(column: number): number {
  return [0, 0.7, 1, 0.95, 0.6, -0.35][column % 6]!
}

/** Pushes a point of the cloth out of the thighs. */
function clearOfLegs(point: Vec3, legs: readonly Limb[], outward: Vec3, gap: number): Vec3 {
  let p = point
  for (const { root, joint } of legs) {
    const along = sub(joint, root)
    const t = clamp(dot(sub(p, root), along) / dot(along, along), 0, 1.1)
    const d = sub(p, add(root, scale(along, t)))
    const need = mix(0.078, 0.058, t) + gap
    const away = Math.sqrt(dot(d, d))
    if (away < need) p = add(p, scale(outward, need - away))
  }
  return p
}

/** Cloth with bands near the hem; the pleats' folds are darker towards the hem. */
function pleated(base: Surface): Surface {
  return {
    ...base,
    paint: (tone, u, v, c, time) => {
      base.paint(tone, u, v, c, time)
      const place = u * pleats - Math.floor(u * pleats)
      const fold = smoothstep(0.58, 0.84, place) * smoothstep(1, 0.88, place)
      const dark = 0.62 * fold * smoothstep(1, 0.72, v)
      glaze(tone, [tone.shadeR, tone.shadeG, tone.shadeB], [tone.shadeR * 0.88, tone.shadeG * 0.86, tone.shadeB * 0.9], dark)
    },
  }
}

export function skirtParts(): Part[] {
  const striped = pleated(bands(indigo, [0.07, cream], [0.12, indigo], [0.155, cream], [0.172, indigo]))
  return [
    layer({ long: 0.285, wide: 0.64, deep: 0.024, gap: 0.005 }, { name: 'skirt', rows: 13, surface: striped }),
    layer({ long: 0.302, wide: 0.57, deep: 0.018, gap: -0.005 }, { name: 'petticoat', rows: 8, surface: pleated(bands(cream)) }),
  ]
}
