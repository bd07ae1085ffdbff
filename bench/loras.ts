import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine } from '../src/onnx/engine.ts'
import { floatTensor, type Tensor } from '../src/onnx/tensor.ts'
import { openSafetensors } from '../src/stable-diffusion/checkpoint/safetensors.ts'
import { weightsOf } from '../src/stable-diffusion/checkpoint/weights.ts'
import { openControlNet } from '../src/stable-diffusion/open-controlnet.ts'
import { buildControlNet } from '../src/stable-diffusion/controlnet.ts'
import { openLoras } from '../src/stable-diffusion/lora/lora-set.ts'
import { buildUnet } from '../src/stable-diffusion/unet.ts'
import { product, random, sd15Unet, weightList, writeWeights, type Dims } from './random-weights.ts'

// What a LoRA costs at load and a ControlNet at each evaluation, at Stable Diffusion 1.5's size with random fp16 weights: CPU seconds,
// and the most memory the runtime's process held. Each row is a process of its own.
// node bench/run.mjs loras [LEVEL]     LEVEL is a level of optimisation, default extended; needs 3 GB of disk and 6 GB of memory

const level = (process.argv[2] ?? 'extended') as 'basic' | 'extended' | 'all'
const side = 64
const noise = (dims: Dims): Tensor => floatTensor(random.normals(product(dims)), dims)
const folder = mkdtempSync(join(tmpdir(), 'ofgen-bench-'))

/** Pairs of a rank for every matrix of the UNet, and with `convolutions` also for its 3x3 ones. */
function loraList(unet: ReadonlyMap<string, Dims>, rank: number, convolutions: boolean): Map<string, Dims> {
  const list = new Map<string, Dims>()
  for (const [name, dims] of unet) {
    const matrix = /\.(to_q|to_k|to_v|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)\.weight$/.test(name)
    if (!matrix && !(convolutions && dims.length === 4 && dims[2] === 3)) continue
    const module = `lora_unet_${name.replace(/\.weight$/, '').replaceAll('.', '_')}`
    list.set(`${module}.lora_down.weight`, [rank, ...dims.slice(1)])
    list.set(`${module}.lora_up.weight`, [dims[0]!, rank, ...dims.slice(2).map(() => 1)])
  }
  return list
}

async function measured(name: string, graph: Uint8Array, feeds: Readonly<Record<string, Tensor>>): Promise<void> {
  const engine = startEngine()
  try {
    const session = await engine.load(graph, { name, optimization: level })
    const { peak: atLoad } = await engine.memory()
    await session.run(feeds)
    const { cpuSeconds } = await session.run(feeds)
    const { peak } = await engine.memory()
    const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GB`
    console.log(
      `${name.padEnd(34)} load ${session.loading.cpuSeconds.toFixed(1)} CPU-s, peak ${gigabytes(atLoad)}; evaluation ${cpuSeconds.toFixed(1)} CPU-s, peak ${gigabytes(peak)}`,
    )
  } finally {
    await engine.close()
  }
}

try {
  const file = join(folder, 'unet.safetensors')
  const list = weightList((weights) => buildUnet(sd15Unet, weights))
  writeWeights(file, list)
  const weights = weightsOf([openSafetensors(file)])
  const feeds = {
    sample: noise([1, 4, side, side]),
    timestep: floatTensor(Float32Array.of(500), [1]),
    encoder_hidden_states: noise([1, 77, 768]),
  }
  await measured('UNet', buildUnet(sd15Unet, weights), feeds)
  for (const [name, rank, convolutions] of [
    ['with a LoRA of rank 32', 32, false],
    ['with a LoCon of rank 32', 32, true],
  ] as const) {
    const path = join(folder, `${rank}-${convolutions}.safetensors`)
    writeWeights(path, loraList(list, rank, convolutions))
    const loras = openLoras([{ path, weight: 0.8 }])
    const began = performance.now()
    const graph = buildUnet(sd15Unet, loras.on('unet', weights, sd15Unet))
    loras.report()
    console.log(`${''.padEnd(34)} graph ${((performance.now() - began) / 1000).toFixed(2)} s`)
    await measured(name, graph, feeds)
  }
  const net = join(folder, 'controlnet.safetensors')
  const hintChannels = [16, 32, 96, 256]
  writeWeights(
    net,
    weightList((source) => buildControlNet(sd15Unet, { hintChannels }, source)),
  )
  await measured('ControlNet', openControlNet(net).build(sd15Unet, { latentChannels: 4, scale: 8 }), {
    ...feeds,
    hint: noise([1, 3, 8 * side, 8 * side]),
    scale: floatTensor(Float32Array.of(1), [1]),
  })
} finally {
  rmSync(folder, { recursive: true })
}
