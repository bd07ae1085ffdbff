import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { animate, type AnimateSettings } from '../src/animate/animate.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { demoClip } from '../src/demo/clip.ts'
import { farnebackEstimator } from '../src/flow/farneback.ts'
import { flowWorkers } from '../src/flow/flow-workers.ts'
import { readPng, writePng } from '../src/image/png.ts'
import { measure } from '../src/measure/measure.ts'
import type { Measures, VideoMeasures } from '../src/measure/measures.ts'
import { parseSize } from '../src/settings.ts'
import type { DiffusionModel } from '../src/stable-diffusion/diffusion-model.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import { fitted } from '../src/video/fit.ts'
import type { FrameSource, TimedFrame } from '../src/video/frame-source.ts'
import { inRange } from '../src/video/in-range.ts'
import { openSource } from '../src/video/open-source.ts'
import { parseRange } from '../src/video/range.ts'

// Every method on one clip with the same weights, measured by another flow than the one it was made with, as ratios to frames painted alone.
// node bench/run.mjs steadiness CLIP|demo RANGE SIZE STYLE [MODEL]     for example: bedroom.mp4 40..57 288x192 watercolor
// Finished renders are kept in bench/dist/steadiness; delete a folder there to make it anew.

const [clip = 'demo', range = '0..17', size = '256x384', style = 'anime', modelPath] = process.argv.slice(2)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const { width, height } = parseSize(size)
const contenders = [
  ['none', 'fresh'],
  ['none', 'same'],
  ['none', 'carried'],
  ['reference', 'fresh'],
  ['previous', 'carried'],
  ['flow', 'carried'],
] as const

const opened = clip === 'demo' ? demoClip({ width, height }) : await openSource(clip)
const frames: TimedFrame[] = []
const part = fitted(inRange(opened, parseRange(range)), { width, height })
for await (const frame of part.frames()) frames.push(frame)
await opened.close()

function inMemory(images: readonly TimedFrame[]): FrameSource {
  return {
    info: { ...part.info, frameCount: images.length },
    warnings: [],
    async *frames(): AsyncGenerator<TimedFrame, void, undefined> {
      for (const image of images) yield await Promise.resolve(image)
    },
    close: () => Promise.resolve(),
  }
}

interface Made {
  readonly video: FrameSource
  readonly evaluations: number
  readonly seconds: number
}

let model: DiffusionModel | undefined
async function make(method: AnimateSettings['method'], noise: AnimateSettings['noise']): Promise<Made> {
  const name = [
    basename(clip),
    range,
    size,
    style,
    modelPath === undefined ? 'embedded' : basename(modelPath),
    method,
    noise,
  ].join('_')
  const folder = join(root, 'bench/dist/steadiness', name)
  const png = (frame: number): string => join(folder, `${String(frame).padStart(6, '0')}.png`)
  const figures = join(folder, 'figures.json')
  if (!existsSync(figures)) {
    mkdirSync(folder, { recursive: true })
    model ??= await openModel(modelPath ?? join(root, 'assets/mini-sd'))
    const { defaults } = model
    const settings: AnimateSettings = {
      ...defaults,
      prompt: defaults.prompt.replaceAll('{style}', defaults.styles[style] ?? style),
      width,
      height,
      seed: 1,
      method,
      noise,
    }
    const flow = flowWorkers({ method: { name: method === 'reference' ? 'farneback' : 'dis' } })
    const store = new MemoryFrameStore()
    const events = animate({ source: inMemory(frames), model, flow, store, settings })
    let next = await events.next()
    while (!next.done) next = await events.next()
    await flow.close()
    for (const [frame, image] of store.images) await writePng(png(frame), image)
    const evaluations = store.records.reduce((sum, record) => sum + record.evaluations * record.painted, 0) / frames.length
    writeFileSync(figures, JSON.stringify({ evaluations, seconds: next.value.seconds / frames.length }))
  }
  const images = await Promise.all(frames.map(async (frame) => ({ ...frame, image: await readPng(png(frame.index)) })))
  return { video: inMemory(images), ...(JSON.parse(readFileSync(figures, 'utf8')) as Omit<Made, 'video'>) }
}

const made: Made[] = []
for (const [method, noise] of contenders) made.push(await make(method, noise))
await model?.close()

const judge = farnebackEstimator()
const measures: Measures = await measure({
  source: inMemory(frames),
  result: made[1]!.video,
  baseline: made[0]!.video,
  others: made.slice(2).map(({ video }, i) => ({ name: contenders[i + 2]!.join(' '), video })),
  flow: judge,
})
await judge.close()

const columns = ['warpError', 'warpErrorFast', 'flicker3', 'sharpness', 'chroma', 'styleDistance'] as const
const figure = (value: number | null | undefined): string =>
  (value === null || value === undefined ? '-' : value.toFixed(3)).padStart(7)
console.log(`${basename(clip)} ${range} ${size} ${style}, ${frames.length} frames; ratios to "none fresh"`)
console.log('method             warp   fast   still  sharp  chroma  style | colour  edges | evaluations and seconds a frame')
for (const [i, video] of [measures.baseline!, measures.result, ...measures.others].entries()) {
  const ratios = columns.map((name) => figure((video as VideoMeasures).ratios[name]?.value))
  const absolute = [video.values.colorOffset, video.values.edgeRecall].map(figure)
  const cost = `${made[i]!.evaluations.toFixed(1).padStart(5)} ${made[i]!.seconds.toFixed(2).padStart(6)}`
  console.log(`${contenders[i]!.join(' ').padEnd(17)}${ratios.join('')} |${absolute.join('')} | ${cost}`)
}
