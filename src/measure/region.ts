/** Which pixels count. `whole`: all. `figure`: a figure before a plain black background. */
export type Region = 'whole' | 'figure'

/**
 * The pixels that count in a frame: all, or for `figure` those brighter than 12 (luma after a Gaussian of 1.5 px), dilated and then
 * eroded by a 5x5 box.
 *
 * @param softGray Luma of the source after a Gaussian of 1.5 px, 0..255.
 * @returns 1 where a pixel counts.
 */
export function regionMask(region: Region, softGray: Float32Array, width: number, height: number): Uint8Array {
  if (region === 'whole') return new Uint8Array(softGray.length).fill(1)
  const bright = Uint8Array.from(softGray, (value) => (value > 12 ? 1 : 0))
  return erode(dilate(bright, width, height, 2), width, height, 2)
}

/** 1 where any pixel within `radius` is 1 (a square box). Outside the picture counts as 0. */
export function dilate(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  return box(mask, width, height, radius, 1)
}

/** 1 where all pixels within `radius` are 1 (a square box). Outside the picture counts as 1. */
export function erode(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  return box(mask, width, height, radius, 0)
}

/** Spreads `value` by `radius` along rows, then along columns. */
function box(mask: Uint8Array, width: number, height: number, radius: number, value: 0 | 1): Uint8Array {
  const rows = mask.slice()
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x] !== value) continue
      const end = Math.min(x + radius, width - 1)
      for (let k = Math.max(x - radius, 0); k <= end; k++) rows[y * width + k] = value
    }
  }
  const out = rows.slice()
  for (let y = 0; y < height; y++) {
    const end = Math.min(y + radius, height - 1)
    for (let x = 0; x < width; x++) {
      if (rows[y * width + x] !== value) continue
      for (let k = Math.max(y - radius, 0); k <= end; k++) out[k * width + x] = value
    }
  }
  return out
}
