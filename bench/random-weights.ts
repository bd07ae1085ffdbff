import { closeSync, openSync, writeSync } from 'node:fs'
import type { StoredTensor } from '../src/onnx/graph.ts'
import type { WeightSource } from '../src/onnx/scope.ts'
import { Random } from '../src/random.ts'
import { unetConfigSchema, type UnetConfig } from '../src/stable-diffusion/unet-config.ts'

/** A UNet of Stable Diffusion 1.5's size. */
export const sd15Unet: UnetConfig = unetConfigSchema.parse({
  in_channels: 4,
  out_channels: 4,
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
  cross_attention_dim: 768,
})

export type Dims = readonly number[]
export const random: Random = new Random(1)
export const product = (dims: Dims): number => dims.reduce((total, side) => total * side, 1)

/** Collects the weights a network asks for; the graph made of it is thrown away. */
export function weightList(build: (weights: WeightSource) => unknown): Map<string, Dims> {
  const list = new Map<string, Dims>()
  build({
    title: 'nothing yet',
    has: () => true,
    find(name, dims): StoredTensor {
      list.set(name, dims)
      return { file: 'none', offset: list.size, length: 2 * product(dims), type: 'float16', dims }
    },
  })
  return list
}

/** Random weights that keep activations near 1: matrices scaled by their inputs, norms near 1, biases near 0. */
export function writeWeights(path: string, list: ReadonlyMap<string, Dims>): number {
  const pool = random.normals(2 ** 18)
  const header: Record<string, unknown> = {}
  let end = 0
  for (const [name, dims] of list) header[name] = { dtype: 'F16', shape: dims, data_offsets: [end, (end += 2 * product(dims))] }
  const json = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(json.length))
  const fd = openSync(path, 'w')
  writeSync(fd, length)
  writeSync(fd, json)
  for (const [name, dims] of list) {
    const [mean, spread] = dims.length > 1 ? [0, product(dims.slice(1)) ** -0.5] : name.endsWith('weight') ? [1, 0.1] : [0, 0.1]
    const halves = Uint16Array.from(pool, (value) => toHalf(mean + spread * value))
    for (let left = product(dims); left > 0;) {
      const start = Math.floor(random.uniform() * (pool.length / 2))
      const part = halves.subarray(start, Math.min(pool.length, start + left))
      writeSync(fd, part)
      left -= part.length
    }
  }
  closeSync(fd)
  return 8 + json.length + end
}

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)
/** Cut off, not rounded; tiny numbers become 0. */
function toHalf(value: number): number {
  float[0] = value
  const exponent = ((word[0]! >>> 23) & 0xff) - 112
  return exponent <= 0 ? 0 : ((word[0]! >>> 16) & 0x8000) | (exponent << 10) | ((word[0]! >>> 13) & 0x3ff)
}
