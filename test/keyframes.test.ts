import { expect, test } from 'vitest'
import { animate, type AnimateResult, type AnimateSettings } from '../src/animate/animate.ts'
import type { RenderEvent } from '../src/animate/events.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { disEstimator } from '../src/flow/dis.ts'
import type { Frame } from '../src/image/frame.ts'
import './workers.ts'
import { analyticModel, analyticSettings } from './analytic-model.ts'
import { madeSource, texture } from './moving-picture.ts'

const settings: AnimateSettings = { ...analyticSettings, method: 'flow' }

async function run(
  frames: readonly Frame[],
  store: MemoryFrameStore,
  { signal, onEvent }: { signal?: AbortSignal; onEvent?: (event: RenderEvent) => void } = {},
): Promise<AnimateResult> {
  const { width, height } = frames[0]!
  const events = animate({
    source: madeSource(frames),
    model: analyticModel(),
    flow: disEstimator(),
    store,
    settings: { ...settings, width, height },
    signal,
  })
  for (;;) {
    const next = await events.next()
    if (next.done) return next.value
    onEvent?.(next.value)
  }
}

const still = Array.from({ length: 11 }, () => texture(64, 48, 0))
const moving = Array.from({ length: 10 }, (_, n) => texture(64, 48, 1.5 * n))
/** A bright block that crosses a texture. */
const crossing = Array.from({ length: 9 }, (_, n) => {
  const frame = texture(192, 96, 0)
  for (let y = 12; y < 36; y++)
    for (let x = 4 + 5 * n; x < 24 + 5 * n; x++) frame.data.fill(230 - 4 * (y % 5), (y * 192 + x) * 3, (y * 192 + x) * 3 + 3)
  return frame
})

test('a picture that stands still is painted once every eight frames and stands still', async () => {
  const store = new MemoryFrameStore()
  const result = await run(still, store)
  expect(result.evaluations).toBe(3 * 3)
  expect(store.records.filter(({ painted }) => painted > 0).map(({ frame }) => frame)).toEqual([0, 8, 10])
  const between = store.images.get(4)!.data
  store.images.get(5)!.data.forEach((value, i) => expect(Math.abs(value - between[i]!)).toBeLessThan(12))
})

test('every frame is there, in order, whatever the order of painting', async () => {
  const store = new MemoryFrameStore()
  const { frames } = await run(moving, store)
  expect(frames.map(({ frame }) => frame)).toEqual(moving.map((_, n) => n))
  expect([...store.images.keys()].sort((a, b) => a - b)).toEqual(moving.map((_, n) => n))
})

test('of a frame that shows something new, only that part is painted', async () => {
  const store = new MemoryFrameStore()
  await run(crossing, store)
  const between = store.records.filter(({ frame }) => frame > 0 && frame < 8)
  expect(between.some(({ painted }) => painted > 0 && painted < 1)).toBe(true)
})

test('a run that was stopped anywhere goes on to the same frames', async () => {
  const whole = new MemoryFrameStore()
  await run(moving, whole)
  for (const stop of [1, 4]) {
    const store = new MemoryFrameStore()
    const abort = new AbortController()
    let painted = 0
    const onEvent = (event: RenderEvent): void => {
      if (event.type === 'frame' && ++painted === stop) abort.abort()
    }
    await expect(run(moving, store, { signal: abort.signal, onEvent })).rejects.toMatchObject({ name: 'AbortError' })
    expect(store.records.length).toBe(stop)
    const rest = await run(moving, store)
    expect(rest.frames.length).toBe(moving.length)
    for (const [frame, image] of whole.images) expect(store.images.get(frame)!.data, `frame ${frame}`).toEqual(image.data)
  }
})

test('a cut ends a segment, and the frames after it owe nothing to those before', async () => {
  const other = Array.from({ length: 4 }, (_, n) => texture(64, 48, n, 1))
  const [one, two] = [new MemoryFrameStore(), new MemoryFrameStore()]
  const result = await run([...moving.slice(0, 5), ...other], one)
  expect(result.cuts).toEqual([5])
  await run([...moving.slice(5, 10), ...other], two)
  for (const frame of [5, 6, 7, 8]) expect(two.images.get(frame)!.data).toEqual(one.images.get(frame)!.data)
})
