import { dilate } from './region.ts'
import { emptySum, type Sum } from './sum.ts'

/** Shares of edge pixels as sums (total = found, count = looked for), so that frames with more edges weigh more where they are pooled. */
export interface EdgeAgreement {
  /** Edge pixels of the source with an edge of the result within 2 px. */
  readonly recall: Sum
  /** Edge pixels of the result with an edge of the source within 2 px. */
  readonly precision: Sum
}

/**
 * How well the edges of a frame lie where the source has them, within 2 px (a 5x5 box).
 *
 * @param frame, source Edge maps, 1 edge, see `canny`.
 */
export function edgeAgreement(frame: Uint8Array, source: Uint8Array, width: number, height: number): EdgeAgreement {
  return {
    recall: shareWithin(source, dilate(frame, width, height, 2)),
    precision: shareWithin(frame, dilate(source, width, height, 2)),
  }
}

function shareWithin(edges: Uint8Array, near: Uint8Array): Sum {
  let [total, count] = [0, 0]
  for (let i = 0; i < edges.length; i++) {
    count += edges[i]!
    total += edges[i]! & near[i]!
  }
  return count === 0 ? emptySum : { total, count }
}
