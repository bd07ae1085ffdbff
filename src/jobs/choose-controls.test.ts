import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { blankFrame } from '../image/frame.ts'
import { writePng } from '../image/png.ts'
import { openControls, parseControlOption } from './choose-controls.ts'

const root = mkdtempSync(join(tmpdir(), 'ofgen-controls-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.each([
  ['lineart:net.safetensors', { maps: { made: 'lineart' }, name: 'net.safetensors', weight: 1, from: 0, to: 1 }],
  ['Canny:a, b/net,weight=0.5,to=.6', { maps: { made: 'canny' }, name: 'a, b/net', weight: 0.5, from: 0, to: 0.6 }],
  ['depth:net,maps=frames/%06d.png,from=0.1', { maps: { path: 'frames/%06d.png' }, name: 'net', weight: 1, from: 0.1, to: 1 }],
  ['canny:net,maps=mine.mp4', { maps: { path: 'mine.mp4' }, name: 'net', weight: 1, from: 0, to: 1 }],
  [
    String.raw`tile:C:\nets\tile.safetensors`,
    { maps: { made: 'tile' }, name: String.raw`C:\nets\tile.safetensors`, weight: 1, from: 0, to: 1 },
  ],
])('--control %s is understood', (text, choice) => {
  expect(parseControlOption(text)).toEqual(choice)
})

test.each([
  ['lineart', 'accepted is KIND:FILE'],
  ['depth:net', 'depth maps cannot be made here (canny, lineart, softedge, tile can), so maps=PATH is needed'],
  ['canny:net,weigth=1', '"weigth" is none of weight, from, to, maps'],
  ['canny:net,weight=much', 'weight must be a number from 0 to 4'],
  ['canny:net,weight=', 'weight must be a number from 0 to 4'],
  ['canny:net,from=0.5,to=0.5', 'from must be below to'],
])('--control %s is refused, saying why', (text, message) => {
  expect(() => parseControlOption(text)).toThrow(message)
})

test('fewer maps than frames are refused before work begins', async () => {
  for (const n of [0, 1, 2]) await writePng(join(root, `${n}.png`), blankFrame(8, 8))
  const choice = parseControlOption(`pose:net,maps=${root}`)
  const open = (frames: number): Promise<{ close(): Promise<void> }> => openControls([choice], (source) => source, { frames })
  await expect(open(4)).rejects.toThrow(`The maps ${root} are 3 for 4 frames of the video.`)
  await (await open(3)).close()
})
