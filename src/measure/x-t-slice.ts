import { blankFrame, type Frame } from '../image/frame.ts'

/**
 * One row of the picture over time, stacked downwards: vertical tracks are steady, confetti is flicker. For the eye.
 *
 * @param height Rows the slice will have: the frames that are shown.
 */
export function xtSlice(width: number, height: number): { add(frame: Frame, row: number): void; picture(): Frame } {
  const slice = blankFrame(width, height)
  let next = 0
  return {
    /** Adds a frame's row below the last. @throws RangeError if the row is not in the frame, the width differs or the slice is full. */
    add(frame: Frame, row: number): void {
      if (frame.width !== width) throw new RangeError(`The slice is ${width} wide, the frame ${frame.width}.`)
      if (!(row >= 0 && row < frame.height)) throw new RangeError(`Row ${row} is not in a frame ${frame.height} high.`)
      if (next === height) throw new RangeError(`The slice has its ${height} rows already.`)
      slice.data.set(frame.data.subarray(row * width * 3, (row + 1) * width * 3), next * width * 3)
      next++
    },
    /** The rows that were added, as a picture. @throws RangeError if there are none. */
    picture(): Frame {
      if (next === 0) throw new RangeError('The slice has no rows yet.')
      return { width, height: next, data: slice.data.slice(0, next * width * 3) }
    },
  }
}
