/** The colour of a frame as a whole, in CIE Lab. */
export interface FrameColor {
  readonly L: number
  readonly a: number
  readonly b: number
  /** Mean over the pixels of `sqrt(a^2 + b^2)`: how colourful. */
  readonly chroma: number
}

/**
 * Mean Lab and mean chroma over the region.
 *
 * @param lab Interleaved `[pixels * 3]`, of the frame after a Gaussian of 1.5 px. @param region 1 where a pixel counts.
 */
export function frameColor(lab: Float32Array, region: Uint8Array): FrameColor {
  let [L, a, b, chroma, count] = [0, 0, 0, 0, 0]
  for (let i = 0, q = 0; i < region.length; i++, q += 3) {
    if (region[i] === 0) continue
    L += lab[q]!
    a += lab[q + 1]!
    b += lab[q + 2]!
    chroma += Math.hypot(lab[q + 1]!, lab[q + 2]!)
    count++
  }
  const n = Math.max(1, count)
  return { L: L / n, a: a / n, b: b / n, chroma: chroma / n }
}

/** Colour offset: the distance Delta E76 of two frames' mean colours. About 2 is just visible side by side. */
export function colorOffset(frame: FrameColor, source: FrameColor): number {
  return Math.hypot(frame.L - source.L, frame.a - source.a, frame.b - source.b)
}

/** Brightness jitter of a step: `|L_t - L_(t-1)|` of the mean lightness. */
export function jitter(frame: FrameColor, before: FrameColor): number {
  return Math.abs(frame.L - before.L)
}

/**
 * Mean distance Delta E76 of the pixels of two pictures: how far a stylised frame went from its source.
 *
 * @param a, b Interleaved Lab. @param region 1 where a pixel counts.
 * @see CIE 1976 L*a*b* colour difference
 */
export function meanDeltaE(a: Float32Array, b: Float32Array, region: Uint8Array): number {
  let [total, count] = [0, 0]
  for (let i = 0, q = 0; i < region.length; i++, q += 3) {
    if (region[i] === 0) continue
    const l = a[q]! - b[q]!
    const u = a[q + 1]! - b[q + 1]!
    const v = a[q + 2]! - b[q + 2]!
    total += Math.sqrt(l * l + u * u + v * v)
    count++
  }
  return count === 0 ? 0 : total / count
}
