import { canny } from '../image/canny.ts'
import { luma } from '../image/color.ts'
import { toFloatImage, type FloatImage, type Frame, type Plane } from '../image/frame.ts'
import { lineArt } from './line-art.ts'
import { softEdge } from './soft-edge.ts'

/** Maps that are made from the frames themselves. */
export const controlKinds = ['canny', 'lineart', 'softedge', 'tile'] as const
export type ControlKind = (typeof controlKinds)[number]

/** Thresholds that A1111's web UI starts with. */
const cannyThresholds = [100, 200] as const

const makers: Readonly<Record<ControlKind, (frame: Frame) => FloatImage>> = {
  canny({ width, height, data }) {
    const edges = canny(luma(data).map(Math.round), width, height, ...cannyThresholds)
    return grey({ width, height, data: Float32Array.from(edges) })
  },
  lineart: (frame) => grey(lineArt(frame)),
  softedge: (frame) => grey(softEdge(frame)),
  tile: toFloatImage,
}

/**
 * What a ControlNet is to see of a frame: edges (`canny`), lines (`lineart`), soft edges (`softedge`), each light on black, or the
 * frame itself (`tile`).
 *
 * @returns RGB in 0..1, of the frame's size.
 */
export function controlMap(kind: ControlKind, frame: Frame): FloatImage {
  return makers[kind](frame)
}

function grey({ width, height, data: values }: Plane): FloatImage {
  const data = new Float32Array(values.length * 3)
  for (let i = 0; i < data.length; i++) data[i] = values[Math.floor(i / 3)]!
  return { width, height, data }
}
