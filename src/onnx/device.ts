import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Random } from '../random.ts'
import { startEngine, type EngineOptions } from './engine.ts'
import { Graph, type Value } from './graph.ts'
import { attention, silu } from './layers.ts'
import type { Device } from './session-host.ts'
import { floatTensor } from './tensor.ts'

export type { Device } from './session-host.ts'
/** A device, or `auto` for the best that works. */
export type DeviceWish = Device | 'auto'

export interface DeviceChoice {
  readonly device: Device
  /** Why a device that was asked for, or that `auto` tried, is not used: one sentence each. */
  readonly warnings: readonly string[]
}

export const deviceTitles: Readonly<Record<Device, string>> = {
  cpu: 'the CPU',
  cuda: 'CUDA',
  directml: 'DirectML',
  coreml: 'Core ML',
  webgpu: 'WebGPU',
}

/** Whether the installed runtime has what a device needs, and how to get it. */
export interface DeviceState {
  readonly device: Device
  readonly available: boolean
  /** Whether the runtime has it for this platform at all. */
  readonly possible: boolean
  /** What is missing and what to do, as one sentence; empty where it is available. */
  readonly missing: string
}

function binaryFolder(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  return join(root, 'bin', 'napi-v6', process.platform, process.arch)
}

/** What the runtime's build for this platform offers; whether the hardware is there only {@link chooseDevice} finds out. */
export function deviceStates(
  platform: string = process.platform,
  architecture: string = process.arch,
  exists: (file: string) => boolean = (file) => existsSync(join(binaryFolder(), file)),
): DeviceState[] {
  const state = (device: Device, possible: boolean, missing: string, installed = true): DeviceState => ({
    device,
    possible,
    available: possible && installed,
    missing: possible && installed ? '' : missing,
  })
  const cuda = platform === 'linux' && architecture === 'x64'
  return [
    state('cpu', true, ''),
    state(
      'cuda',
      cuda,
      cuda
        ? "the runtime's CUDA libraries are not installed (with an NVIDIA driver and CUDA 12: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node)"
        : 'the runtime has it for Linux on x64 only',
      exists('libonnxruntime_providers_cuda.so'),
    ),
    state('directml', platform === 'win32', 'the runtime has it on Windows only'),
    state('coreml', platform === 'darwin', 'the runtime has it on macOS only'),
    state('webgpu', true, ''),
  ]
}

/** Largest difference to the CPU, relative to the largest value, that a device may show on the probe: TF32 and fp16 have 1e-3. */
const tolerance = 1e-2

/**
 * Finds out where networks can run. A device is taken only if it runs a small network, of the operators that diffusion models
 * are made of, to the numbers that the CPU gives; otherwise the CPU is used and a warning says why.
 */
export async function chooseDevice(wish: DeviceWish, engineOptions: Omit<EngineOptions, 'device'> = {}): Promise<DeviceChoice> {
  const states = deviceStates()
  // Without being asked for: those that are made for this and common. WebGPU and Core ML have to be asked for.
  const wanted = wish === 'auto' ? (['cuda', 'directml'] as const).filter((one) => stateOf(states, one).available) : [wish]
  const warnings: string[] = []
  for (const device of wanted) {
    if (device === 'cpu') break
    const { available, missing } = stateOf(states, device)
    const reason = available ? await deviceFault(device, engineOptions) : missing
    if (reason === undefined) return { device, warnings }
    warnings.push(`${deviceTitles[device]} cannot be used, so the CPU is: ${reason}.`)
  }
  return { device: 'cpu', warnings }
}

function stateOf(states: readonly DeviceState[], device: Device): DeviceState {
  return states.find((state) => state.device === device)!
}

/** Runs a small network there and compares it with the CPU: why the device does not do, undefined if it does. */
export async function deviceFault(
  device: Device,
  engineOptions: Omit<EngineOptions, 'device'> = {},
): Promise<string | undefined> {
  const x = floatTensor(new Random(7).normals(32 * 16 * 16), [1, 32, 16, 16])
  try {
    const [expected, actual] = await Promise.all(
      (['cpu', device] as const).map(async (where) => {
        const engine = startEngine({ ...engineOptions, device: where })
        try {
          const session = await engine.load(probeModel(), { name: 'a small test network' })
          return (await session.run({ x })).outputs['y']!.data as Float32Array
        } finally {
          await engine.close()
        }
      }),
    )
    let [off, most] = [0, 0]
    for (const [i, value] of expected!.entries()) {
      most = Math.max(most, Math.abs(value))
      const difference = Math.abs(value - actual![i]!)
      off = difference > off || Number.isNaN(difference) ? difference : off
    }
    return off <= tolerance * most
      ? undefined
      : `it computes a small test network wrongly (off by ${(off / most).toPrecision(2)})`
  } catch (error) {
    return error instanceof Error ? firstSentence(error.message) : String(error)
  }
}

/** The runtime's first line, without the places in its sources. */
function firstSentence(message: string): string {
  if (/adapter/i.test(message)) return 'no graphics adapter was found'
  return message
    .replace(/^The runtime could not load a small test network: /, '')
    .split('\n')[0]!
    .replaceAll(/\/\S+\.cc:\d+ /g, '')
    .trim()
    .replace(/\.$/, '')
    .slice(0, 240)
}

/** Convolution, normalisation, SiLU, self-attention, and a matrix, on `[1, 32, height, width]`. */
function probeModel(): Uint8Array {
  const graph = new Graph('probe')
  const random = new Random(11)
  const weights = (...dims: number[]): Value => {
    const count = dims.reduce((product, side) => product * side, 1)
    const spread = 1 / Math.sqrt(count / dims[0]!)
    return graph.floats(
      random.normals(count).map((value) => value * spread),
      dims,
    )
  }
  const input = graph.input('x', 'float32', [1, 32, 16, 16])
  let x = graph.node('Conv', [input, weights(32, 32, 3, 3)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
  x = graph.node(
    'InstanceNormalization',
    [graph.node('Reshape', [x, graph.ints([1, 8, -1])]), graph.filled(1, 8), graph.filled(0, 8)],
    {
      epsilon: { float: 1e-5 },
    },
  )
  x = silu(graph, graph.node('Reshape', [x, graph.ints([1, 32, 256])]))
  const tokens = graph.node('Transpose', [x], { perm: [0, 2, 1] })
  const rows = graph.node('Gemm', [graph.node('Reshape', [tokens, graph.ints([256, 32])]), weights(96, 32)], { transB: 1 })
  const [q, k, v] = graph.nodes(
    'Split',
    [graph.node('Reshape', [rows, graph.ints([1, 256, 96])])],
    { axis: 2, num_outputs: 3 },
    3,
  )
  graph.output('y', attention(graph, q!, k!, v!, { heads: 4, width: 32 }), 'float32', [1, 256, 32])
  return graph.toModel()
}
