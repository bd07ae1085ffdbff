/**
 * Luma of gamma-encoded RGB, Rec. 601: `.299 R + .587 G + .114 B`, not rounded.
 *
 * @param rgb Interleaved `[pixels * 3]`, any range.
 * @returns `[pixels]` in the same range.
 */
export function luma(rgb: Float32Array | Uint8Array): Float32Array {
  const out = new Float32Array(rgb.length / 3)
  for (let i = 0, q = 0; i < out.length; i++, q += 3) out[i] = 0.299 * rgb[q]! + 0.587 * rgb[q + 1]! + 0.114 * rgb[q + 2]!
  return out
}

/**
 * sRGB to CIE L*a*b* (1976), white point D65 (IEC 61966-2-1: matrix and transfer function).
 *
 * @param rgb Interleaved `[pixels * 3]`, 0..255, fractions allowed; values outside are clamped.
 * @returns Interleaved `[pixels * 3]`: L 0..100, a and b about -110..110.
 */
export function rgbToLab(rgb: Float32Array | Uint8Array): Float32Array {
  const out = new Float32Array(rgb.length)
  for (let q = 0; q < rgb.length; q += 3) {
    const r = linear(rgb[q]!)
    const g = linear(rgb[q + 1]!)
    const b = linear(rgb[q + 2]!)
    const x = labCurve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
    const y = labCurve(0.2126729 * r + 0.7151522 * g + 0.072175 * b)
    const z = labCurve((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
    out[q] = 116 * y - 16
    out[q + 1] = 500 * (x - y)
    out[q + 2] = 200 * (y - z)
  }
  return out
}

/** Entries a step of 8 bits: between them the curve is straight to 1e-6. */
const fineness = 16

/** Gamma-encoded to linear light, so that pictures need no power a value. */
const linearLight = Float64Array.from({ length: 255 * fineness + 2 }, (_, i) => {
  const v = i / (255 * fineness)
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4
})

/** Gamma-encoded 0..255 to linear light 0..1. Values outside are clamped. */
function linear(value: number): number {
  const place = Math.min(Math.max(value, 0), 255) * fineness
  const below = Math.floor(place)
  const from = linearLight[below]!
  return from + (place - below) * (linearLight[below + 1]! - from)
}

function labCurve(t: number): number {
  return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116
}
