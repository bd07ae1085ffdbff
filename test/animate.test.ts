import { expect, test } from 'vitest'
import { animate, type AnimateResult, type AnimateSettings } from '../src/animate/animate.ts'
import type { RenderEvent } from '../src/animate/events.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { disEstimator } from '../src/flow/dis.ts'
import type { Frame } from '../src/image/frame.ts'
import './workers.ts'
import { analyticModel, analyticSettings } from './analytic-model.ts'
import { madeSource, texture } from './moving-picture.ts'

const settings: AnimateSettings = { ...analyticSettings, method: 'previous' }

const moving = Array.from({ length: 6 }, (_, n) => texture(64, 48, 1.5 * n))

async function run(
  frames: readonly Frame[],
  store: MemoryFrameStore,
  change: Partial<AnimateSettings> = {},
  signal?: AbortSignal,
  onEvent?: (event: RenderEvent) => void,
): Promise<AnimateResult> {
  const source = madeSource(frames)
  const events = animate({
    source,
    model: analyticModel(),
    flow: disEstimator(),
    store,
    settings: { ...settings, ...change },
    signal,
  })
  for (;;) {
    const next = await events.next()
    if (next.done) return next.value
    onEvent?.(next.value)
  }
}

test('every frame is painted once, in order, and stored with its record', async () => {
  const store = new MemoryFrameStore()
  const result = await run(moving, store)
  expect(result.frames.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4, 5])
  expect(result.evaluations).toBe(6 * 3)
  expect(store.records.map(({ evaluations }) => evaluations)).toEqual([3, 3, 3, 3, 3, 3])
  expect(new Set(store.records.map(({ key }) => key)).size).toBe(6)
  expect(store.records[0]!.motion).toBeUndefined()
  expect(store.records[2]!.motion!.pixels).toBeCloseTo(1.5, 0)
})

test('what is finished is kept: a second run paints nothing and a gap is filled with the same frames', async () => {
  const store = new MemoryFrameStore()
  await run(moving, store)
  const before = new Map(store.images)
  expect((await run(moving, store)).evaluations).toBe(0)
  store.records.splice(2, 2)
  expect((await run(moving, store)).evaluations).toBe(2 * 3)
  for (const [frame, image] of before) expect(store.images.get(frame)!.data).toEqual(image.data)
})

test.each<Partial<AnimateSettings>>([
  { seed: 4 },
  { prompt: 'blue' },
  { strength: 0.8 },
  { method: 'none' },
  { sampler: 'euler' },
])('other settings make other frames: %j', async (change) => {
  const store = new MemoryFrameStore()
  await run(moving, store)
  const before = store.images.get(3)!
  expect((await run(moving, store, change)).evaluations).toBeGreaterThan(0)
  expect(store.images.get(3)!.data).not.toEqual(before.data)
})

test.each(['dpmpp_sde', 'lcm', 'unipc'])('the same seed gives the same frames, another seed others: %s', async (sampler) => {
  const stores = [new MemoryFrameStore(), new MemoryFrameStore(), new MemoryFrameStore()]
  for (const [i, store] of stores.entries())
    await run(moving.slice(0, 2), store, { sampler, sigmas: 'karras', noise: 'fresh', seed: i === 2 ? 9 : 3 })
  const [first, second, other] = stores.map(({ images }) => images.get(1)!.data)
  expect(second).toEqual(first)
  expect(other).not.toEqual(first)
})

test('a source frame that changed is painted again, with those that were guided by it; those before stay', async () => {
  const store = new MemoryFrameStore()
  await run(moving, store)
  const changed = moving.with(3, texture(64, 48, 4.6))
  expect((await run(changed, store)).evaluations).toBe(3 * 3)
})

test('a cut begins a shot, and what is after it owes nothing to what was before', async () => {
  const other = Array.from({ length: 3 }, (_, n) => texture(64, 48, n, 1))
  const events: RenderEvent[] = []
  const [joined, changed] = [new MemoryFrameStore(), new MemoryFrameStore()]
  const result = await run([...moving.slice(0, 3), ...other], joined, {}, undefined, (event) => events.push(event))
  expect(result.cuts).toEqual([3])
  expect(events.filter(({ type }) => type === 'shot')).toEqual([{ type: 'shot', shot: 1, frame: 3, time: 0.25 }])
  expect(joined.records.map(({ shot }) => shot)).toEqual([0, 0, 0, 1, 1, 1])
  await run([...moving.slice(3, 6), ...other], changed)
  for (const frame of [3, 4, 5]) expect(changed.images.get(frame)!.data).toEqual(joined.images.get(frame)!.data)
})

test('the first frame is the unguided one, the second is not', async () => {
  const [guided, alone] = [new MemoryFrameStore(), new MemoryFrameStore()]
  await run(moving, guided, { method: 'reference', noise: 'fresh' })
  await run(moving, alone, { method: 'none', noise: 'fresh' })
  expect(guided.images.get(0)!.data).toEqual(alone.images.get(0)!.data)
  expect(guided.images.get(1)!.data).not.toEqual(alone.images.get(1)!.data)
})

test('the reference method flickers less than no guidance where nothing moves', async () => {
  const [guided, alone] = [new MemoryFrameStore(), new MemoryFrameStore()]
  const still = Array.from({ length: 5 }, () => texture(64, 48, 0))
  await run(still, guided, { method: 'reference', noise: 'fresh', steps: 20 })
  await run(still, alone, { method: 'none', noise: 'fresh', steps: 20 })
  const change = ({ images }: MemoryFrameStore): number => {
    let sum = 0
    for (let n = 1; n < 5; n++) images.get(n)!.data.forEach((value, i) => (sum += Math.abs(value - images.get(n - 1)!.data[i]!)))
    return sum
  }
  expect(change(guided)).toBeLessThan(0.6 * change(alone))
})

test('an abort ends the run at once; what was finished stays', async () => {
  const store = new MemoryFrameStore()
  const abort = new AbortController()
  const stopAtTwo = (event: RenderEvent): void => {
    if (event.type === 'frame' && event.frame === 1) abort.abort()
  }
  await expect(run(moving, store, {}, abort.signal, stopAtTwo)).rejects.toMatchObject({ name: 'AbortError' })
  expect(store.records.map(({ frame }) => frame)).toEqual([0, 1])
})

test('steps are reported while a frame is painted', async () => {
  const steps: string[] = []
  await run(moving.slice(0, 1), new MemoryFrameStore(), {}, undefined, (event) => {
    if (event.type === 'step') steps.push(`${event.step}/${event.steps}`)
  })
  expect(steps).toEqual(['1/3', '2/3', '3/3'])
})

test('a source without frames is an error that says so', async () => {
  await expect(run([], new MemoryFrameStore())).rejects.toMatchObject({ code: 'video_missing' })
})
