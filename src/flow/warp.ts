import type { FloatImage, Frame, Plane } from '../image/frame.ts'
import type { Flow } from './flow.ts'

/** `linear`: 2 taps a side. `cubic`: 4 taps, Keys 1981 with A = -0.75 (as OpenCV). `lanczos3`: 6 taps, the sharpest, rings a little. */
export type WarpKernel = 'linear' | 'cubic' | 'lanczos3'

/** How the channels of an array lie: `planar` is `[channels, height, width]` (latents), `interleaved` is `[height, width, channels]`. */
export interface ChannelLayout {
  readonly channels: number
  readonly order: 'planar' | 'interleaved'
}

/**
 * Samples `image` where each pixel came from: `out(x) = image(x + back(x))`, one resampling.
 *
 * @param back Flow from the wanted picture to `image` (current -> previous), in pixels. Values must be finite.
 * @returns Same size. Positions outside repeat the edge. Cubic and Lanczos may overshoot; nothing is clamped.
 * @throws TypeError if the sizes differ.
 */
export function warpImage(image: FloatImage, back: Flow, kernel: WarpKernel = 'cubic'): FloatImage {
  checkSizes(image, back)
  return { ...sizeOf(back), data: warpChannels(image.data, { channels: 3, order: 'interleaved' }, back, kernel) }
}

/** {@link warpImage} for one value a pixel. */
export function warpPlane(plane: Plane, back: Flow, kernel: WarpKernel = 'linear'): Plane {
  checkSizes(plane, back)
  return { ...sizeOf(back), data: warpChannels(plane.data, { channels: 1, order: 'planar' }, back, kernel) }
}

/** {@link warpImage} for 8-bit pictures: the result is rounded and clamped to 0..255. */
export function warpFrame(frame: Frame, back: Flow, kernel: WarpKernel = 'cubic'): Frame {
  checkSizes(frame, back)
  const sampled = warpChannels(Float32Array.from(frame.data), { channels: 3, order: 'interleaved' }, back, kernel)
  return { ...sizeOf(back), data: Uint8Array.from(Uint8ClampedArray.from(sampled)) }
}

/**
 * {@link warpImage} for any number of channels, for example latents with a flow that was scaled to their grid.
 *
 * @param data `back.width * back.height * layout.channels` values in the order of `layout`.
 * @throws TypeError if `data` has another length.
 */
export function warpChannels(data: Float32Array, layout: ChannelLayout, back: Flow, kernel: WarpKernel = 'cubic'): Float32Array {
  const { width, height } = back
  const { channels } = layout
  if (data.length !== width * height * channels)
    throw new TypeError(
      `A warp of ${channels} channels by a ${width}x${height} flow needs ${width * height * channels} values, got ${data.length}.`,
    )
  const [pixelStep, channelStep] = layout.order === 'planar' ? [1, width * height] : [channels, 1]
  if (kernel === 'linear') return warpLinear(data, { channels, pixelStep, channelStep }, back)
  const { taps, weigh } = kernels[kernel]
  const out = new Float32Array(data.length)
  const weightX = new Float64Array(taps)
  const weightY = new Float64Array(taps)
  const columns = new Int32Array(taps)
  const rows = new Int32Array(taps)
  const lead = taps / 2 - 1
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      // Further out than the taps reach, the repeated edge has one value: clamping there changes nothing.
      const px = Math.min(Math.max(x + back.data[2 * i]!, -taps), width + taps)
      const py = Math.min(Math.max(y + back.data[2 * i + 1]!, -taps), height + taps)
      const x0 = Math.floor(px)
      const y0 = Math.floor(py)
      weigh(px - x0, weightX)
      weigh(py - y0, weightY)
      for (let k = 0; k < taps; k++) {
        columns[k] = Math.min(Math.max(x0 - lead + k, 0), width - 1) * pixelStep
        rows[k] = Math.min(Math.max(y0 - lead + k, 0), height - 1) * width * pixelStep
      }
      if (pixelStep === 3) {
        // Pictures: all three channels of a tap at once.
        const within = x0 >= lead && x0 + taps - lead <= width
        let [red, green, blue] = [0, 0, 0]
        for (let j = 0; j < taps; j++) {
          const weight = weightY[j]!
          if (weight === 0) continue
          const row = rows[j]!
          if (within) {
            // The columns follow each other: no look-up.
            for (let k = 0, q = row + columns[0]!; k < taps; k++, q += 3) {
              const both = weight * weightX[k]!
              red += both * data[q]!
              green += both * data[q + 1]!
              blue += both * data[q + 2]!
            }
            continue
          }
          for (let k = 0; k < taps; k++) {
            const both = weight * weightX[k]!
            const q = row + columns[k]!
            red += both * data[q]!
            green += both * data[q + 1]!
            blue += both * data[q + 2]!
          }
        }
        out[3 * i] = red
        out[3 * i + 1] = green
        out[3 * i + 2] = blue
        continue
      }
      for (let c = 0; c < channels; c++) {
        const base = c * channelStep
        let sum = 0
        for (let j = 0; j < taps; j++) {
          const row = base + rows[j]!
          let line = 0
          for (let k = 0; k < taps; k++) line += weightX[k]! * data[row + columns[k]!]!
          sum += weightY[j]! * line
        }
        out[i * pixelStep + base] = sum
      }
    }
  }
  return out
}

interface Steps {
  readonly channels: number
  /** From a pixel to the next, and from a channel of a pixel to its next. */
  readonly pixelStep: number
  readonly channelStep: number
}

function warpLinear(data: Float32Array, { channels, pixelStep, channelStep }: Steps, back: Flow): Float32Array {
  const { width, height } = back
  const flow = back.data
  const out = new Float32Array(data.length)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const px = Math.min(Math.max(x + flow[2 * i]!, 0), width - 1)
      const py = Math.min(Math.max(y + flow[2 * i + 1]!, 0), height - 1)
      const x0 = Math.floor(px)
      const y0 = Math.floor(py)
      const fx = px - x0
      const fy = py - y0
      const right = x0 < width - 1 ? pixelStep : 0
      const down = y0 < height - 1 ? width * pixelStep : 0
      let q = (y0 * width + x0) * pixelStep
      let to = i * pixelStep
      for (let c = 0; c < channels; c++, q += channelStep, to += channelStep) {
        const above = data[q]! * (1 - fx) + data[q + right]! * fx
        const below = data[q + down]! * (1 - fx) + data[q + down + right]! * fx
        out[to] = above * (1 - fy) + below * fy
      }
    }
  }
  return out
}

/** Weights of the taps around a position `f` (0..1) past the middle left one; they add up to 1, and f = 0 gives exactly one 1. */
type Weigh = (f: number, weights: Float64Array) => void

const kernels: Readonly<Record<Exclude<WarpKernel, 'linear'>, { readonly taps: number; readonly weigh: Weigh }>> = {
  cubic: { taps: 4, weigh: weighCubic },
  lanczos3: { taps: 6, weigh: weighLanczos3 },
}

function weighCubic(f: number, weights: Float64Array): void {
  const a = -0.75
  const g = 1 - f
  weights[0] = a * f * g * g
  weights[1] = ((a + 2) * f - (a + 3)) * f * f + 1
  weights[3] = a * g * f * f
  weights[2] = 1 - weights[0] - weights[1]! - weights[3]
}

/** Positions between two pixels that Lanczos weights are known for: what is nearer changes a picture by less than a tenth of an 8-bit step. */
const phases = 4096
const lanczos3 = lanczosTable()

function weighLanczos3(f: number, weights: Float64Array): void {
  const from = 6 * Math.round(f * phases)
  for (let k = 0; k < 6; k++) weights[k] = lanczos3[from + k]!
}

/** sin(pi t) sin(pi t / 3) / t^2 at t = f + 2 .. f - 3, six a phase, each six adding up to 1. */
function lanczosTable(): Float64Array {
  const table = new Float64Array(6 * (phases + 1))
  for (let phase = 0; phase <= phases; phase++) {
    const weights = table.subarray(6 * phase, 6 * phase + 6)
    // At a pixel the formula divides by zero.
    if (phase % phases === 0) weights[2 + phase / phases] = 1
    else for (let k = 0; k < 6; k++) weights[k] = wave(phase / phases + 2 - k)
    const sum = weights.reduce((a, b) => a + b)
    for (let k = 0; k < 6; k++) weights[k] = weights[k]! / sum
  }
  return table
}

function wave(t: number): number {
  return (Math.sin(Math.PI * t) * Math.sin((Math.PI * t) / 3)) / (t * t)
}

function sizeOf(flow: Flow): { readonly width: number; readonly height: number } {
  return { width: flow.width, height: flow.height }
}

function checkSizes(picture: { readonly width: number; readonly height: number }, flow: Flow): void {
  if (picture.width !== flow.width || picture.height !== flow.height)
    throw new TypeError(
      `The picture is ${picture.width}x${picture.height}, the flow ${flow.width}x${flow.height}: they must be equal.`,
    )
}
