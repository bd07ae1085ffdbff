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
  const puffs = Array.from({ length: 34 }, (): Puff => {
    const along = 2 * random.uniform() - 1
    const room = (1 - along * along) * (0.7 + 0.3 * random.uniform())
    const size = half * (0.09 + 0.17 * random.uniform()) * (0.4 + 0.6 * room)
    return { x: x + along * half * 0.9, y: base + tall * room * random.uniform() * 0.9 + size * 0.25, size }
  })
  return { x, base, half: half * 1.25, top: base + tall * 1.9, puffs: puffs.sort((a, b) => b.y - a.y) }
}

// Metres on the sky's sheet; the middle of the picture is x = 0, the camera's height y = 1.
const clouds: readonly Cloud[] = [
  heap(-4.3, 4.3, 2.5, 1.7, 3),
  heap(4.7, 5.7, 2.9, 1.9, 11),
  heap(0.9, 3.2, 1.7, 0.5, 5),
  heap(-9.9, 6.4, 2.8, 1.4, 21),
  heap(10.8, 4.0, 2.6, 1.4, 34),
  heap(-15, 4.2, 2.6, 1.2, 55),
  heap(16, 6.6, 2.8, 1.2, 89),
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
      let ragged = NaN
      for (const puff of cloud.puffs) {
        const dx = (x - puff.x) / puff.size
        const dy = (y - puff.y) / puff.size
        const round = dx * dx + dy * dy
        if (round > 1.35) continue
        if (Number.isNaN(ragged)) ragged = 0.5 * (noise(x * 2.9, y * 2.9) - 0.5) + 0.2 * (noise(x * 7, y * 7) - 0.5)
        const d = round + ragged
        if (d > 1) continue
        const solid = smoothstep(1, 0.74, d) * smoothstep(cloud.base - 0.15, cloud.base + 0.28, y + 0.5 * ragged)
        const light = smoothstep(-1.1, 0.45, dy - 0.35 * dx + ragged)
        const low = clamp((y - cloud.base) / (0.7 * (cloud.top - cloud.base)), 0, 1)
        const s = mix(0.12, 1, light * (0.4 + 0.6 * Math.sqrt(low)))
        glaze(tone, [mix(belly[0], sunlit[0], s), mix(belly[1], sunlit[1], s), mix(belly[2], sunlit[2], s)], belly, solid)
      }
    }
  },
}
