import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine, type Session } from '../src/onnx/engine.ts'
import { Graph } from '../src/onnx/graph.ts'
import { conv, linear } from '../src/onnx/layers.ts'
import { scope, type WeightSource } from '../src/onnx/scope.ts'
import { floatTensor, type Tensor } from '../src/onnx/tensor.ts'
import { openSafetensors } from '../src/stable-diffusion/checkpoint/safetensors.ts'
import { weightsOf } from '../src/stable-diffusion/checkpoint/weights.ts'
import { buildUnet } from '../src/stable-diffusion/unet.ts'
import { product, random, sd15Unet, weightList, writeWeights, type Dims } from './random-weights.ts'

// How close a whole UNet of Stable Diffusion 1.5's size (random fp16 weights, latent 64x64) comes to what the runtime
// gives for its best single operators: GFLOP per second of one core, all measured in turns in one run.
// node bench/run.mjs unet [ROUNDS]     needs 2 GB of disk and 6 GB of memory, and a minute or two

const rounds = Number(process.argv[2] ?? 5)
const side = 64
const tokens = 77
const config = sd15Unet

const noise = (dims: Dims): Tensor => floatTensor(random.normals(product(dims)), dims)

/** Multiplications and additions of one evaluation: every weight by the number of places it is used at, and attention. */
function unetFlop(list: ReadonlyMap<string, Dims>): number {
  let flop = 0
  for (const [name, dims] of list) {
    if (dims.length < 2) continue
    const level =
      /^down_blocks\.(\d)/.exec(name)?.[1] ??
      String(3 - Number(/^up_blocks\.(\d)/.exec(name)?.[1] ?? (name.startsWith('mid') ? 0 : 3)))
    const shift = name.includes('downsamplers') ? 1 : name.includes('upsamplers') ? -1 : 0
    const places = (side >> (Number(level) + shift)) ** 2
    const once = /time_emb/.test(name)
    flop += 2 * product(dims) * (once ? 1 : /attn2\.to_[kv]/.test(name) ? tokens : places)
    if (name.endsWith('to_q.weight')) flop += 4 * places * (name.includes('attn1') ? places : tokens) * dims[0]!
  }
  return flop
}

interface Work {
  readonly name: string
  readonly flop: number
  readonly session: Session
  readonly feeds: Readonly<Record<string, Tensor>>
  /** Of one evaluation, the mean of each round. */
  readonly seconds: number[]
  readonly cpuSeconds: number[]
}

/** One large operator with random weights, as the layers of the networks write it. */
function single(name: 'gemm' | 'conv', folder: string): { graph: Uint8Array; feeds: Record<string, Tensor>; flop: number } {
  const graph = new Graph(name)
  const dims = name === 'gemm' ? ['rows', 2560] : ['batch', 640, 'height', 'width']
  const x = graph.input('x', 'float32', dims)
  const build = (weights: WeightSource, target: Graph): void => {
    const at = scope(target, weights)
    const y = name === 'gemm' ? linear(at, x, { in: 2560, out: 2560 }) : conv(at, x, { in: 640, out: 640 })
    target.output('y', y, 'float32', [])
  }
  const file = join(folder, `${name}.safetensors`)
  writeWeights(
    file,
    weightList((weights) => build(weights, new Graph('list'))),
  )
  build(weightsOf([openSafetensors(file)]), graph)
  return name === 'gemm'
    ? { graph: graph.toModel(), feeds: { x: noise([4096, 2560]) }, flop: 2 * 4096 * 2560 ** 2 }
    : { graph: graph.toModel(), feeds: { x: noise([1, 640, side, side]) }, flop: 2 * side ** 2 * 9 * 640 ** 2 }
}

const unetFeeds = (batch: number): Record<string, Tensor> => ({
  sample: noise([batch, 4, side, side]),
  timestep: floatTensor(Float32Array.of(500), [1]),
  encoder_hidden_states: noise([batch, tokens, 768]),
})

const folder = mkdtempSync(join(tmpdir(), 'ofgen-bench-'))
const engine = startEngine()
try {
  const list = weightList((weights) => buildUnet(config, weights))
  const file = join(folder, 'unet.safetensors')
  const bytes = writeWeights(file, list)
  const parameters = [...list.values()].reduce((sum, dims) => sum + product(dims), 0)
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores visible`)
  console.log(`UNet: ${(parameters / 1e6).toFixed(1)} M parameters in ${list.size} tensors, ${(bytes / 1e9).toFixed(2)} GB fp16`)

  const began = performance.now()
  const graph = buildUnet(config, weightsOf([openSafetensors(file)]))
  const built = (performance.now() - began) / 1000
  const session = await engine.load(graph, { name: 'the UNet' })
  const { peak } = await engine.memory()
  console.log(
    `load: graph built in ${built.toFixed(2)} s, session ${session.loading.seconds.toFixed(1)} s (${session.loading.cpuSeconds.toFixed(1)} CPU-s), peak ${gigabytes(peak)}`,
  )

  const flop = unetFlop(list)
  const works: Work[] = [
    { name: 'UNet, batch 1', flop, session, feeds: unetFeeds(1), seconds: [], cpuSeconds: [] },
    { name: 'UNet, batch 2', flop: 2 * flop, session, feeds: unetFeeds(2), seconds: [], cpuSeconds: [] },
  ]
  for (const name of ['gemm', 'conv'] as const) {
    const { graph, ...work } = single(name, folder)
    const title = name === 'gemm' ? 'Gemm 4096x2560x2560' : 'Conv 3x3, 640 channels, 64x64'
    works.push({ name: title, ...work, session: await engine.load(graph), seconds: [], cpuSeconds: [] })
  }
  for (let round = -1; round < rounds; round++)
    for (const work of works) {
      // Every block of a round computes about the same, so that a noisy machine disturbs all alike.
      const repeats = Math.max(1, Math.round(flop / work.flop))
      const times = { seconds: 0, cpuSeconds: 0 }
      for (let i = 0; i < repeats; i++) {
        const result = await work.session.run(work.feeds)
        times.seconds += result.seconds / repeats
        times.cpuSeconds += result.cpuSeconds / repeats
      }
      if (round < 0) continue
      work.seconds.push(times.seconds)
      work.cpuSeconds.push(times.cpuSeconds)
    }

  const rate = (work: Work): number => work.flop / 1e9 / median(work.cpuSeconds)
  const best = Math.max(...works.slice(2).map(rate))
  console.log(`\n${'median of ' + rounds + ' rounds'.padEnd(22)}       GFLOP  seconds  CPU-s  GFLOP/CPU-s  of the best operator`)
  for (const work of works)
    console.log(
      work.name.padEnd(30) +
        [
          (work.flop / 1e9).toFixed(0),
          median(work.seconds).toFixed(3),
          median(work.cpuSeconds).toFixed(3),
          rate(work).toFixed(1),
          (rate(work) / best).toFixed(2),
        ]
          .map((text, i) => text.padStart([6, 9, 8, 10, 12][i]!))
          .join(''),
    )
  console.log(`peak after the runs: ${gigabytes((await engine.memory()).peak)}`)
} finally {
  await engine.close()
  rmSync(folder, { recursive: true })
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
