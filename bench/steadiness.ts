import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startAnalysis } from '../src/animate/analysis.ts'
import { animate, type AnimateSettings } from '../src/animate/animate.ts'
import { readFootage } from '../src/animate/footage.ts'
import { paired, smooth } from '../src/animate/smooth.ts'
import { MemoryFrameStore } from '../src/animate/frame-store.ts'
import { demoClip } from '../src/demo/clip.ts'
import { farnebackEstimator } from '../src/flow/farneback.ts'
import { flowWorkers } from '../src/flow/flow-workers.ts'
import { readPng, writePng } from '../src/image/png.ts'
import { measure } from '../src/measure/measure.ts'
import type { VideoMeasures } from '../src/measure/measures.ts'
import type { DiffusionModel } from '../src/stable-diffusion/diffusion-model.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import { fitted } from '../src/video/fit.ts'
import type { FrameSource, TimedFrame } from '../src/video/frame-source.ts'
import { inRange } from '../src/video/in-range.ts'
import { openSource } from '../src/video/open-source.ts'

// Every method on clips, with the same weights, measured by another flow than it was made with, as ratios to frames painted alone with fresh
// noise. Renders are kept in bench/dist/steadiness under a hash of what they were made of; only what a change touches is made anew.

const usage = `npm run bench:steadiness -- [--clips bedroom,demo,...] [--styles anime,watercolor] [--seeds 1,2,3] [--frames 48] [--area 98304]
  [--methods "flow carried,none same"] [--model FOLDER] [--folder FOLDER WITH THE CLIPS]`
const { values: options } = parseArgs({
  options: {
    clips: { type: 'string' },
    styles: { type: 'string', default: 'anime,watercolor' },
    seeds: { type: 'string', default: '1' },
    frames: { type: 'string', default: '48' },
    area: { type: 'string', default: '98304' },
    methods: {
      type: 'string',
      default: 'none same,none carried,reference fresh,previous carried,flow carried,flow carried 3',
    },
    model: { type: 'string' },
    folder: { type: 'string' },
    help: { type: 'boolean' },
  },
})
if (options.help === true) {
  console.log(usage)
  process.exit(0)
}
const root = fileURLToPath(new URL('../../..', import.meta.url))
const clipFolder = options.folder ?? join(root, '../shared/clips')
/** First frames: each part has motion of its own kind, the last one a cut. */
const parts = [
  { clip: 'demo', from: 0 },
  { clip: 'big-buck-bunny.mp4', from: 40 },
  { clip: 'flower.mp4', from: 0 },
  { clip: 'friday.mp4', from: 60 },
  { clip: 'bedroom.mp4', from: 40 },
  { clip: 'cartoon.mp4', from: 0 },
  { clip: 'tears-of-steel.webm', from: 770 },
].filter(({ clip }) => options.clips === undefined || options.clips.split(',').some((name) => clip.startsWith(name)))
const frameCount = Number(options.frames)
const area = Number(options.area)
const modelPath = options.model ?? join(root, 'assets/mini-sd')

interface Contender {
  readonly method: AnimateSettings['method']
  readonly noise: AnimateSettings['noise']
  /** Frames to either side that the finished frames are averaged with. */
  readonly reach: number
}
/** A method, its noise, and how far it is smoothed (0): "flow carried 3". */
const contenders = ['none fresh', ...options.methods.split(',')].map((text) => {
  const [method, noise, reach = '0'] = text.trim().split(' ')
  return { method, noise, reach: Number(reach) } as Contender
})

/** Raise it when painting a frame alone gives other pixels than before. */
const painting = 1

/** Hash of the code that makes a method what it is. */
function codeOf({ method }: Contender): string {
  const hash = createHash('sha256').update(String(painting))
  if (method === 'none') return hash.digest('hex').slice(0, 12)
  const files = ['flow', 'guidance'].flatMap((folder) =>
    readdirSync(join(root, 'src', folder)).map((file) => `${folder}/${file}`),
  )
  const own = method === 'flow' ? ['keyframes', 'segment', 'region'] : ['frame-by-frame']
  for (const file of [...files, ...own.map((name) => `animate/${name}.ts`)].toSorted())
    if (!file.includes('.test.') && !file.includes('contract')) hash.update(readFileSync(join(root, 'src', file)))
  return hash.digest('hex').slice(0, 12)
}

interface Clip {
  readonly name: string
  readonly frames: readonly TimedFrame[]
  readonly source: FrameSource
}

async function read(clip: string, from: number): Promise<Clip> {
  const opened = clip === 'demo' ? demoClip() : await openSource(join(clipFolder, clip))
  const scale = Math.sqrt(area / (opened.info.width * opened.info.height))
  const sized = {
    width: 16 * Math.round((opened.info.width * scale) / 16),
    height: 16 * Math.round((opened.info.height * scale) / 16),
  }
  const part = fitted(inRange(opened, { unit: 'frames', start: from, end: from + frameCount }), sized)
  const frames: TimedFrame[] = []
  for await (const frame of part.frames()) frames.push({ ...frame, index: frames.length })
  await opened.close()
  return { name: basename(clip), frames, source: inMemory(part, frames) }
}

function inMemory(like: FrameSource, images: readonly TimedFrame[]): FrameSource {
  return {
    info: { ...like.info, frameCount: images.length },
    warnings: [],
    async *frames(): AsyncGenerator<TimedFrame, void, undefined> {
      for (const image of images) yield await Promise.resolve(image)
    },
    close: () => Promise.resolve(),
  }
}

interface Made {
  readonly video: FrameSource
  /** Evaluations a frame, each by the share of the picture it painted, and seconds a frame. */
  readonly evaluations: number
  readonly seconds: number
}

let opened: DiffusionModel | undefined
async function make(part: Clip, style: string, seed: number, contender: Contender): Promise<Made> {
  if (contender.reach === 0) return paint(part, style, seed, contender)
  const painted = await paint(part, style, seed, contender)
  const began = performance.now()
  const flow = flowWorkers()
  const analysis = startAnalysis()
  const images: TimedFrame[] = []
  const { source } = part
  const frames = paired(readFootage(source, { flow, analysis }), painted.video)
  for await (const { index, time, make } of smooth(frames, { analysis, reach: contender.reach }))
    images.push({ index, time, image: await make() })
  await flow.close()
  await analysis.close()
  const seconds = painted.seconds + (performance.now() - began) / 1000 / images.length
  return { ...painted, video: inMemory(source, images), seconds }
}

async function paint(
  { name, frames, source }: Clip,
  style: string,
  seed: number,
  { method, noise, reach }: Contender,
): Promise<Made> {
  const contender = { method, noise }
  const model = (opened ??= await openModel(modelPath))
  const { defaults } = model
  const { width, height } = frames[0]!.image
  const settings: AnimateSettings = {
    ...defaults,
    prompt: defaults.prompt.replaceAll('{style}', defaults.styles[style] ?? style),
    width,
    height,
    seed,
    ...contender,
  }
  const made = JSON.stringify([name, frames[0]!.time, frames.length, model.hash, settings, codeOf({ ...contender, reach })])
  const folder = join(root, 'bench/dist/steadiness', createHash('sha256').update(made).digest('hex').slice(0, 16))
  const png = (frame: number): string => join(folder, `${String(frame).padStart(6, '0')}.png`)
  const figures = join(folder, 'figures.json')
  if (!existsSync(figures)) {
    mkdirSync(folder, { recursive: true })
    const flow = flowWorkers({ method: { name: contender.method === 'reference' ? 'farneback' : 'dis' } })
    const store = new MemoryFrameStore()
    const events = animate({ source, model, flow, store, settings })
    let next = await events.next()
    while (!next.done) next = await events.next()
    await flow.close()
    for (const [frame, image] of store.images) await writePng(png(frame), image)
    const evaluations = store.records.reduce((sum, record) => sum + record.evaluations * record.painted, 0) / frames.length
    writeFileSync(figures, JSON.stringify({ evaluations, seconds: next.value.seconds / frames.length, made }))
  }
  const images = await Promise.all(frames.map(async (frame) => ({ ...frame, image: await readPng(png(frame.index)) })))
  return { video: inMemory(source, images), ...(JSON.parse(readFileSync(figures, 'utf8')) as Omit<Made, 'video'>) }
}

/** A line of the table; null where nothing could be measured. */
type Row = readonly (number | null)[]
const columns = ['warpError', 'warpErrorFast', 'flicker3', 'sharpness', 'chroma', 'styleDistance'] as const
function rowOf(video: VideoMeasures, { evaluations, seconds }: Made): Row {
  const ratios = columns.map((column) => video.ratios[column]?.value ?? null)
  return [...ratios, video.holes?.error ?? null, video.values.colorOffset, video.values.edgeRecall, evaluations, seconds]
}

const heading = 'method             warp   fast  still  sharp chroma  style  holes | colour  edges | evals  seconds'
const text = (row: Row): string => {
  const cells = row.map((value, i) => (value === null ? '-' : value.toFixed(i === 9 ? 1 : i === 10 ? 2 : 3)).padStart(7))
  return `${cells.slice(0, 7).join('')} |${cells.slice(7, 9).join('')} |${cells.slice(9).join('')}`
}
const named = ({ method, noise, reach }: Contender): string => `${method} ${noise}${reach === 0 ? '' : ` ${reach}`}`.padEnd(17)

function meanRow(rows: readonly Row[]): Row {
  return rows[0]!.map((_, column) => {
    const values = rows.flatMap((row) => row[column] ?? [])
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
  })
}

const all = contenders.map((): Row[] => [])
for (const { clip, from } of parts) {
  const part = await read(clip, from)
  const { width, height } = part.frames[0]!.image
  for (const style of options.styles.split(',')) {
    const rows = contenders.map((): Row[] => [])
    for (const seed of options.seeds.split(',').map(Number)) {
      const made: Made[] = []
      for (const contender of contenders) made.push(await make(part, style, seed, contender))
      const judge = farnebackEstimator()
      const measures = await measure({
        source: part.source,
        result: made[1]!.video,
        baseline: made[0]!.video,
        others: made.slice(2).map(({ video }, i) => ({ name: named(contenders[i + 2]!), video })),
        flow: judge,
      })
      await judge.close()
      for (const [i, video] of [measures.baseline!, measures.result, ...measures.others].entries())
        rows[i]!.push(rowOf(video, made[i]!))
    }
    console.log(
      `\n${part.name} from ${from}, ${part.frames.length} frames, ${width}x${height}, ${style}, seeds ${options.seeds}; ratios to none fresh`,
    )
    console.log(heading)
    for (const [i, contender] of contenders.entries()) {
      all[i]!.push(...rows[i]!)
      console.log(named(contender) + text(meanRow(rows[i]!)))
    }
  }
}
await opened?.close()
console.log(`\nmean of all`)
console.log(heading)
for (const [i, contender] of contenders.entries()) console.log(named(contender) + text(meanRow(all[i]!)))
