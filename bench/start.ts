import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine, type LoadOptions } from '../src/onnx/engine.ts'
import { openGraphCache, type GraphCache } from '../src/onnx/graph-cache.ts'
import { runtimeVersion } from '../src/onnx/runtime.ts'
import { floatTensor, type Tensor } from '../src/onnx/tensor.ts'
import { openSafetensors } from '../src/stable-diffusion/checkpoint/safetensors.ts'
import { weightsOf } from '../src/stable-diffusion/checkpoint/weights.ts'
import { unetConfigSchema, type UnetConfig } from '../src/stable-diffusion/unet-config.ts'
import { buildUnet } from '../src/stable-diffusion/unet.ts'
import { product, random, sd15Unet, weightList, writeWeights, type Dims } from './random-weights.ts'

// What a start of ofgen costs with a UNet of full size (random fp16 weights): load, first and steady evaluation, and the most memory
// its process held, for each way to load it. One evaluation is batch 1, without cfg.
// node bench/run.mjs start [sd15|sdxl] [EVALUATIONS] [WAY …]
// sd15 needs 6 GB of disk and of memory, sdxl 16 GB of disk and 20 GB of memory (5 GB for the way "low memory" alone).

const sdxlUnet: UnetConfig = unetConfigSchema.parse({
  in_channels: 4,
  out_channels: 4,
  block_out_channels: [320, 640, 1280],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  transformer_layers_per_block: [1, 2, 10],
  attention_head_dim: [5, 10, 20],
  cross_attention_dim: 2048,
  use_linear_projection: true,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 256,
  projection_class_embeddings_input_dim: 2816,
})
const sizes = { sd15: { config: sd15Unet, side: 64 }, sdxl: { config: sdxlUnet, side: 128 } }

const [size = 'sd15', evaluations = '3', ...chosen] = process.argv.slice(2)
if (size !== 'sd15' && size !== 'sdxl') throw new Error('The size must be sd15 or sdxl.')
const { config, side } = sizes[size]

const noise = (dims: Dims): Tensor => floatTensor(random.normals(product(dims)), dims)
const feeds: Record<string, Tensor> = {
  sample: noise([1, 4, side, side]),
  timestep: floatTensor(Float32Array.of(500), [1]),
  encoder_hidden_states: noise([1, 77, config.cross_attention_dim]),
  ...(size === 'sdxl'
    ? { text_embeds: noise([1, 1280]), time_ids: floatTensor(Float32Array.of(1024, 1024, 0, 0, 1024, 1024), [1, 6]) }
    : {}),
}

const folder = mkdtempSync(join(tmpdir(), 'ofgen-bench-'))
try {
  const file = join(folder, 'unet.safetensors')
  const list = weightList((weights) => buildUnet(config, weights))
  const bytes = writeWeights(file, list)
  const parameters = [...list.values()].reduce((sum, dims) => sum + product(dims), 0)
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, onnxruntime ${runtimeVersion()}`)
  console.log(
    `${size} UNet: ${(parameters / 1e6).toFixed(1)} M parameters, ${(bytes / 1e9).toFixed(2)} GB fp16, latent ${side}x${side}`,
  )
  const graph = buildUnet(config, weightsOf([openSafetensors(file)]))
  const cache = openGraphCache({ folder: join(folder, 'cache'), limit: 100e9 })

  const ways: [string, LoadOptions, GraphCache | undefined][] = [
    ['no cache', {}, undefined],
    ['first start', {}, cache],
    ['second start', {}, cache],
    ['level extended', { optimization: 'extended' }, undefined],
    ['low memory', { optimization: 'lean' }, undefined],
  ]
  console.log(`\n${''.padEnd(16)} load s  CPU-s  first s  steady s  CPU-s  held GB  not of files  peak GB`)
  for (const [name, options, kept] of ways) {
    if (chosen.length > 0 && !chosen.some((way) => name.includes(way))) continue
    const engine = startEngine({ cache: kept })
    try {
      const session = await engine.load(graph, options)
      const { loading } = session
      const first = await session.run(feeds)
      const steady = []
      for (let i = 0; i < Number(evaluations); i++) steady.push(await session.run(feeds))
      const { resident, peak, own = resident } = await engine.memory()
      const numbers: [number, number, number][] = [
        [loading.seconds, 1, 7],
        [loading.cpuSeconds, 1, 7],
        [first.seconds, 2, 9],
        [median(steady.map(({ seconds }) => seconds)), 2, 10],
        [median(steady.map(({ cpuSeconds }) => cpuSeconds)), 2, 7],
        [resident / 1e9, 2, 9],
        [own / 1e9, 2, 14],
        [peak / 1e9, 2, 9],
      ]
      console.log(name.padEnd(16) + numbers.map(([value, digits, width]) => value.toFixed(digits).padStart(width)).join(''))
    } finally {
      await engine.close()
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
