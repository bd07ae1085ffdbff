import type { Frame } from '../image/frame.ts'

/** Rec. 601 luma, 0..255, `height * width`. */
export function greyOf(frame: Frame): Float32Array {
  const { data } = frame
  const grey = new Float32Array(frame.width * frame.height)
  for (let i = 0, q = 0; i < grey.length; i++, q += 3) grey[i] = 0.299 * data[q]! + 0.587 * data[q + 1]! + 0.114 * data[q + 2]!
  return grey
}
