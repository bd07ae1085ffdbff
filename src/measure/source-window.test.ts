import { expect, test } from 'vitest'
import { blankFrame } from '../image/frame.ts'
import { frameLook } from './frame-look.ts'
import { beginWindow, takeFrame } from './source-window.ts'

test('however long the video, 5 frames and the 4 motions between them are kept', () => {
  const window = beginWindow('figure')
  const look = frameLook(blankFrame(12, 8))
  const flow = { width: 12, height: 8, data: new Float32Array(12 * 8 * 2) }
  for (let t = 0; t < 9; t++) takeFrame(window, look, 'figure', t === 0 ? undefined : { forward: flow, backward: flow })
  expect([window.looks, window.regions, window.backgrounds!].map((list) => list.length)).toEqual([5, 5, 5])
  expect([window.motions, window.still].map((list) => list.length)).toEqual([4, 4])
})
