import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { animate, type AnimateSettings } from '../src/animate/animate.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { parsePromptFile } from '../src/animate/prompt-file.ts'
import { createPainter } from '../src/animate/painter.ts'
import { disEstimator } from '../src/flow/dis.ts'
import { Random } from '../src/random.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import './session-host.ts'
import './workers.ts'
import { analyticModel, analyticSettings } from './analytic-model.ts'
import { madeSource, texture } from './moving-picture.ts'
import { maxDifference } from './safetensors.ts'

const moving = Array.from({ length: 6 }, (_, n) => texture(64, 48, 1.5 * n))

/** Renders six frames; how many evaluations it took. */
async function run(store: MemoryFrameStore, method: AnimateSettings['method'], file?: string, prompt = 'red'): Promise<number> {
  const settings: AnimateSettings = { ...analyticSettings, prompt, method }
  const prompts =
    file === undefined ? undefined : parsePromptFile(file, { path: 'prompts.txt', base: { prompt, negative: '' }, style: '' })
  const events = animate({ source: madeSource(moving), model: analyticModel(), flow: disEstimator(), store, settings, prompts })
  for (;;) {
    const next = await events.next()
    if (next.done) return next.value.evaluations
  }
}

const promptsOf = ({ records }: MemoryFrameStore): string[] =>
  records.toSorted((a, b) => a.frame - b.frame).map(({ prompt }) => prompt)

test.each(['none', 'previous', 'flow'] as const)('each frame has the prompt of its line: %s', async (method) => {
  const [plain, split] = [new MemoryFrameStore(), new MemoryFrameStore()]
  await run(plain, method)
  await run(split, method, '3-: greenish')
  expect(promptsOf(split)).toEqual(['red', 'red', 'red', 'greenish', 'greenish', 'greenish'])
  expect(split.records.every(({ negative }) => negative === '')).toBe(true)
  expect(split.images.get(0)!.data).toEqual(plain.images.get(0)!.data)
  expect(split.images.get(5)!.data).not.toEqual(plain.images.get(5)!.data)
})

test.each(['previous', 'flow'] as const)('a line for all frames is the prompt itself: %s', async (method) => {
  const [line, itself] = [new MemoryFrameStore(), new MemoryFrameStore()]
  await run(line, method, 'all: greenish')
  await run(itself, method, undefined, 'greenish')
  for (const frame of [0, 1, 2, 3, 4, 5]) expect(line.images.get(frame)!.data).toEqual(itself.images.get(frame)!.data)
})

test('no frame is made from a keyframe that was told something else', async () => {
  const frames = Array.from({ length: 12 }, (_, n) => texture(64, 48, 0.4 * n))
  const keyframes = async (file: string): Promise<readonly number[]> => {
    const prompts = parsePromptFile(file, { path: 'prompts.txt', base: { prompt: 'red', negative: '' }, style: '' })
    const settings: AnimateSettings = { ...analyticSettings, method: 'flow' }
    const store = new MemoryFrameStore()
    const source = madeSource(frames)
    const events = animate({ source, model: analyticModel(), flow: disEstimator(), store, settings, prompts })
    for (;;) {
      const next = await events.next()
      if (next.done) return next.value.keyframes
    }
  }
  expect(await keyframes('all: blue')).toEqual([0, 8, 11])
  expect(await keyframes('3-4: blue')).toEqual([0, 2, 3, 4, 5, 11])
})

test('a line that changes is a change of its frames alone', async () => {
  const store = new MemoryFrameStore()
  await run(store, 'none', '2-3: green')
  const [before, edited] = [store.images.get(1)!, store.images.get(3)!]
  expect(await run(store, 'none', '2-3: green\n0-1: red')).toBe(0)
  expect(await run(store, 'none', '2-3: yellow')).toBe(2 * 3)
  expect(store.images.get(1)).toBe(before)
  expect(store.images.get(3)!.data).not.toEqual(edited.data)
})

test('a prompt that changes on the way paints between both', async () => {
  const stores = await Promise.all(
    ['red', 'greenish', '[red:greenish:0.0]', '[red:greenish:1.0]', '[red:greenish:2]'].map(async (prompt) => {
      const store = new MemoryFrameStore()
      await run(store, 'none', undefined, prompt)
      return store.images.get(0)!.data
    }),
  )
  const [red, green, allGreen, allRed, mixed] = stores
  expect(allGreen).toEqual(green)
  expect(allRed).toEqual(red)
  expect(mixed).not.toEqual(red)
  expect(mixed).not.toEqual(green)
})

test('a real model paints with prompts of several chunks, both in one run, and the words beyond 75 tokens count', async () => {
  const model = await openModel(fileURLToPath(new URL('goldens/tiny-sd15', import.meta.url)), { threads: 1 })
  try {
    const tags = Array.from({ length: 40 }, (_, n) => `tag number ${n}`).join(', ')
    const shape = { channels: 4, height: 8, width: 12 }
    const noise = new Random(1).normals(4 * 8 * 12)
    const painted = async (prompt: string, negative: string): Promise<{ latent: Float32Array; evaluations: number }> => {
      const settings = { prompt, negative, cfgScale: 3, strength: 0.5, steps: 4, sampler: 'ddim', width: 96, height: 64 }
      const painter = await createPainter(model, settings)
      expect(painter.shape).toEqual(shape)
      const before = model.counters.evaluations
      const latent = await painter.paint({ source: new Float32Array(noise.length), noise })
      return { latent, evaluations: model.counters.evaluations - before }
    }
    const long = await painted(`${tags}, a fox`, 'blurry')
    expect(long.evaluations).toBe(4)
    const other = await painted(`${tags}, a castle`, 'blurry')
    expect(maxDifference(long.latent, other.latent)).toBeGreaterThan(1e-4)
    // The empty chunk that fills up the negative prompt is the one that BREAK makes.
    const filled = await painted(`${tags}, a fox`, 'blurry BREAK BREAK BREAK')
    expect((await model.embed(`${tags}, a fox`)).tokens).toBe(3 * 77)
    expect(maxDifference(long.latent, filled.latent)).toBeLessThan(1e-5)
    const heavy = await painted('a (fox:1.6) in the snow', 'blurry')
    const plain = await painted('a fox in the snow', 'blurry')
    expect(maxDifference(heavy.latent, plain.latent)).toBeGreaterThan(1e-4)
  } finally {
    await model.close()
  }
})
