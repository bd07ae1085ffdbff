import { expect, test } from 'vitest'
import { animate, type AnimateSettings } from '../src/animate/animate.ts'
import type { FrameControl } from '../src/animate/frame-controls.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { disEstimator } from '../src/flow/dis.ts'
import type { Frame } from '../src/image/frame.ts'
import './workers.ts'
import { analyticModel, analyticSettings } from './analytic-model.ts'
import { madeSource, texture } from './moving-picture.ts'

// The test model's ControlNet paints what it sees: what it was shown can be read off the result.

async function run(
  frames: readonly Frame[],
  method: AnimateSettings['method'],
  controls: readonly FrameControl[],
  store = new MemoryFrameStore(),
): Promise<MemoryFrameStore> {
  const { width, height } = frames[0]!
  const settings: AnimateSettings = { ...analyticSettings, method, width, height }
  const events = animate({ source: madeSource(frames), model: analyticModel(), flow: disEstimator(), store, settings, controls })
  for (;;) if ((await events.next()).done) return store
}

const tile: FrameControl = { net: 0, weight: 1, from: 0, to: 1, maps: 'tile' }

/** Mean difference of a picture from another's means of 4x4 pixels, 0..255, over a part of it. */
function fromMosaic(result: Frame, seen: Frame, part = { left: 0, right: seen.width }): number {
  let [sum, count] = [0, 0]
  for (let y = 0; y < seen.height; y += 4)
    for (let x = part.left; x < part.right; x += 4)
      for (let c = 0; c < 3; c++) {
        let [mine, theirs] = [0, 0]
        for (let v = y; v < y + 4; v++)
          for (let u = x; u < x + 4; u++) {
            mine += result.data[(v * seen.width + u) * 3 + c]! / 16
            theirs += seen.data[(v * seen.width + u) * 3 + c]! / 16
          }
        sum += Math.abs(mine - theirs)
        count++
      }
  return sum / count
}

const crossing = Array.from({ length: 9 }, (_, n) => {
  const frame = texture(192, 96, 0)
  for (let y = 52; y < 76; y++)
    for (let x = 104 + 5 * n; x < 124 + 5 * n; x++) frame.data.fill(230 - 4 * (y % 5), (y * 192 + x) * 3, (y * 192 + x) * 3 + 3)
  return frame
})
const other = Array.from({ length: 9 }, (_, n) => texture(192, 96, 2 * n, 1))

test.each(['none', 'previous', 'flow'] as const)(
  'with method %s every frame is painted under the map of that frame',
  async (method) => {
    const store = await run(crossing, method, [tile])
    for (const [n, frame] of crossing.entries()) expect(fromMosaic(store.images.get(n)!, frame), `frame ${n}`).toBeLessThan(6)
    const without = await run(crossing, method, [])
    expect(fromMosaic(without.images.get(4)!, crossing[4]!)).toBeGreaterThan(12)
  },
)

test('parts that are painted alone see their part of the map', async () => {
  const store = await run(crossing, 'flow', [tile])
  const parts = store.records.filter(({ painted }) => painted > 0 && painted < 1)
  expect(parts.length).toBeGreaterThan(0)
  for (const { frame } of parts)
    expect(fromMosaic(store.images.get(frame)!, crossing[frame]!, { left: 96, right: 192 }), `frame ${frame}`).toBeLessThan(4)
})

test('maps of another source are those in the same place', async () => {
  const store = await run(crossing, 'none', [{ ...tile, maps: madeSource(other) }])
  for (const [n, map] of other.entries()) expect(fromMosaic(store.images.get(n)!, map), `frame ${n}`).toBeLessThan(5)
})

test('other maps, weights and parts of the run make other keys; the same ones keep every frame', async () => {
  const keys = async (control: FrameControl | undefined): Promise<string[]> =>
    (await run(crossing.slice(0, 3), 'none', control === undefined ? [] : [control])).records.map(({ key }) => key)
  const all = await Promise.all([
    keys(undefined),
    keys(tile),
    keys({ ...tile, weight: 0.5 }),
    keys({ ...tile, to: 0.5 }),
    keys({ ...tile, maps: 'canny' }),
    keys({ ...tile, maps: madeSource(other) }),
    keys({ ...tile, maps: madeSource(crossing) }),
  ])
  expect(new Set(all.flat()).size).toBe(all.flat().length)
  expect(await keys({ ...tile, maps: madeSource(other) })).toEqual(all[5])
})

test('a control that ends early leaves the later steps alone', async () => {
  const until = async (to: number, from = 0): Promise<number> =>
    fromMosaic((await run(crossing.slice(0, 1), 'none', [{ ...tile, from, to }])).images.get(0)!, crossing[0]!)
  const [whole, early, late] = [await until(1), await until(0.3), await until(1, 0.3)]
  expect(whole).toBeLessThan(5)
  expect(early).toBeGreaterThan(whole + 5)
  expect(late).toBeLessThan(5)
})

test('maps that end too early are an error that says where', async () => {
  await expect(run(crossing, 'flow', [{ ...tile, maps: madeSource(other.slice(0, 5)) }])).rejects.toThrow(
    'The maps made end before frame 5 of the video.',
  )
})
