import { type Colour, type Surface, cloth, colour, glaze, setTone } from './surface.ts'
import { smoothstep } from './maths.ts'

/** Colours in the light and in the shade; shades lean to violet, nothing is black or white. */
export interface Pair {
  readonly light: Colour
  readonly shade: Colour
}

function pair(light: number, shade: number): Pair {
  return { light: colour(light), shade: colour(shade) }
}

export const skin: Pair = pair(0xffe6d6, 0xf0b6a6)
export const hairTones: Pair = pair(0xf7a45e, 0xc9664f)
export const indigo: Pair = pair(0x5468ba, 0x39427f)
export const cream: Pair = pair(0xfff6ea, 0xcdbfd6)
export const gold: Pair = pair(0xffd873, 0xd59a4b)

export const coralCloth: Surface = cloth(0xf2617a, 0xb03a63)
export const creamCloth: Surface = cloth(0xfff6ea, 0xcdbfd6)
export const skinSurface: Surface = cloth(0xffe6d6, 0xf0b6a6, { ink: 0.75 })
export const shoeLeather: Surface = cloth(0xa8505a, 0x6b3049, { gloss: 0.5 })

/** A pattern of bands along the second painting coordinate: pairs of (from where, tones). */
export function bands(first: Pair, ...more: readonly (readonly [from: number, tones: Pair])[]): Surface {
  return {
    light: 'toon',
    ink: 1,
    scenery: false,
    paint: (tone, _, v) => {
      setTone(tone, first.light, first.shade)
      for (const [from, tones] of more) glaze(tone, tones.light, tones.shade, smoothstep(from - 0.004, from + 0.004, v))
    },
  }
}
