import { clamp } from './maths.ts'

/** What a painter fills in for one point: its colour in the light and in the shade, 0..255, and how the light plays on it. */
export interface Tone {
  r: number
  g: number
  b: number
  shadeR: number
  shadeG: number
  shadeB: number
  /** 0..1: how strongly the highlight shows here. */
  gloss: number
}

/** How a part looks. */
export interface Surface {
  /** Sets the tone of a point from the part's painting coordinates and the time (seconds). */
  readonly paint: (tone: Tone, a: number, b: number, c: number, time: number) => void
  /** `toon`: light and shade with a narrow edge, shadows fall on it. `ground`: as painted, only shadows. `plain`: as painted. */
  readonly light: 'toon' | 'ground' | 'plain'
  /** Lines where the part ends in front of something, as a share of the shade colour: 0 none, 1 strong. */
  readonly ink: number
  /** Part of the scenery: it casts no shadow and is painted once a pixel. */
  readonly scenery: boolean
}

/** A colour, 0..255 a channel. */
export type Colour = readonly [r: number, g: number, b: number]

/** `0xrrggbb` as a colour. */
export function colour(hex: number): Colour {
  return [(hex >> 16) & 255, (hex >> 8) & 255, hex & 255]
}

export function setTone(tone: Tone, light: Colour, shade: Colour, gloss = 0): void {
  tone.r = light[0]
  tone.g = light[1]
  tone.b = light[2]
  tone.shadeR = shade[0]
  tone.shadeG = shade[1]
  tone.shadeB = shade[2]
  tone.gloss = gloss
}

/** Lays a colour over the tone, `share` 0..1. */
export function glaze(tone: Tone, light: Colour, shade: Colour, share: number): void {
  const s = clamp(share, 0, 1)
  tone.r += (light[0] - tone.r) * s
  tone.g += (light[1] - tone.g) * s
  tone.b += (light[2] - tone.b) * s
  tone.shadeR += (shade[0] - tone.shadeR) * s
  tone.shadeG += (shade[1] - tone.shadeG) * s
  tone.shadeB += (shade[2] - tone.shadeB) * s
}

/** A toon surface of one colour. */
export function cloth(light: number, shade: number, options: { gloss?: number; ink?: number } = {}): Surface {
  const lit = colour(light)
  const dark = colour(shade)
  const { gloss = 0, ink = 1 } = options
  return { light: 'toon', ink, scenery: false, paint: (tone) => setTone(tone, lit, dark, gloss) }
}
