import { Random } from '../random.ts'
import { clamp, mix, noise, smoothstep } from './maths.ts'
import { type Surface, colour, glaze, setTone } from './surface.ts'

const zenith = colour(0x6db8e2)
const middle = colour(0xa9daec)
const horizon = colour(0xfdeed9)
const sunlit = colour(0xfffaf0)
const belly = colour(0xc3cde6)

interface Puff {
  readonly x: number
  readonly y: number
  readonly size: number
}

interface Cloud {
  readonly x: number
  readonly base: number
  readonly half: number
  readonly top: number
  readonly puffs: readonly Puff[]
}

/** A heap of round puffs on a flat base, larger in the middle. */
function heap(x: number, base: number, half: number, tall: number, seed: number): Cloud {
  const random = new Random(seed)
  const puffs = Array.from({ length: 26 }, (): Puff => {
    const along = 2 * random.uniform() - 1
    const room = 1 - along * along
    const size = half * (0.12 + 0.2 * random.uniform()) * (0.45 + 0.55 * room)
    return { x: x + along * half * 0.86, y: base + tall * room * random.uniform() * 0.85 + size * 0.3, size }
  })
  return { x, base, half: half * 1.25, top: base + tall * 1.9, puffs: puffs.sort((a, b) => b.y - a.y) }
}

// Metres on the sky's sheet; the middle of the picture is x = 0, the camera's height y = 1.
const clouds: readonly Cloud[] = [
  heap(-4.4, 4.4, 2.6, 1.5, 3),
  heap(4.6, 5.6, 3.2, 1.7, 11),
  heap(0.9, 3.1, 1.9, 0.6, 5),
  heap(-1.6, 8.0, 1.9, 0.6, 8),
  heap(-9.5, 6.4, 2.8, 1.4, 21),
  heap(10.6, 4.2, 2.6, 1.3, 34),
  heap(-14.5, 4.2, 2.6, 1.2, 55),
  heap(15.5, 6.6, 2.8, 1.2, 89),
]

/** Sky and clouds, painted by metres on a sheet far away. */
export const sky: Surface = {
  light: 'plain',
  ink: 0,
  scenery: true,
  paint: (tone, x, y) => {
    const t = (y - 1) / 8
    setTone(tone, horizon, horizon)
    glaze(tone, middle, middle, smoothstep(0, 0.42, t))
    glaze(tone, zenith, zenith, smoothstep(0.35, 1.05, t))
    for (const cloud of clouds) {
      if (Math.abs(x - cloud.x) > cloud.half || y < cloud.base - 0.3 || y > cloud.top) continue
      const ragged = 0.2 * (noise(x * 2.3, y * 2.3) - 0.5) + 0.1 * (noise(x * 6, y * 6) - 0.5)
      for (const puff of cloud.puffs) {
        const dx = (x - puff.x) / puff.size
        const dy = (y - puff.y) / puff.size
        const d = dx * dx + dy * dy + ragged
        if (d > 1) continue
        const solid = smoothstep(1, 0.82, d) * smoothstep(cloud.base - 0.15, cloud.base + 0.28, y + 0.5 * ragged)
        const sun = smoothstep(-0.75, 0.55, dy - 0.35 * dx + ragged)
        const low = clamp((y - cloud.base) / 1.1, 0, 1)
        const s = mix(0.2, 1, sun * (0.45 + 0.55 * low))
        glaze(tone, [mix(belly[0], sunlit[0], s), mix(belly[1], sunlit[1], s), mix(belly[2], sunlit[2], s)], belly, solid)
      }
    }
  },
}
