import type { FloatImage } from '../image/frame.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import type { ControlHint } from './diffusion-model.ts'

type Feeds = Readonly<Record<string, Tensor>>

/** A model's ControlNets as its denoisers use them. */
export interface ControlRunner {
  /** How many there are. */
  readonly count: number
  /** Names of what they give, and of the UNet's inputs for it. */
  readonly residuals: readonly string[]
  run(net: number, feeds: Feeds, signal: AbortSignal | undefined): Promise<Feeds>
}

/**
 * What ControlNets add to the UNet's values, as feeds of the UNet: the sum of all that act, each times its weight; single zeros
 * where none does.
 *
 * @param size Of the picture that is denoised, in pixels.
 * @returns Asked at every step, with the network's feeds (`sample` only the latent).
 * @throws RangeError, at once, if a hint has another size or belongs to no ControlNet.
 */
export function controlResiduals(
  runner: ControlRunner,
  hints: readonly ControlHint[],
  size: { readonly width: number; readonly height: number },
): (feeds: Feeds, signal: AbortSignal | undefined) => Promise<Feeds> {
  for (const [i, { net, image }] of hints.entries()) {
    if (!(net >= 0 && net < runner.count))
      throw new RangeError(`conditioning.controls[${i}].net must be below ${runner.count}, got ${net}.`)
    if (image.width !== size.width || image.height !== size.height)
      throw new RangeError(
        `conditioning.controls[${i}].image must be ${size.width}x${size.height}, got ${image.width}x${image.height}.`,
      )
  }
  // Feeds that stay the same object are sent to the runtime once.
  const constant = hints
    .filter(({ weight }) => weight !== 0)
    .map(({ net, image, weight }) => ({ net, feeds: { hint: toHint(image), scale: floatTensor(Float32Array.of(weight), [1]) } }))
  return async (feeds, signal) => {
    let sum: Feeds | undefined
    for (const one of constant) {
      const given = await runner.run(one.net, { ...feeds, ...one.feeds }, signal)
      sum = sum === undefined ? given : added(sum, given)
    }
    return sum ?? Object.fromEntries(runner.residuals.map((name) => [name, nothing]))
  }
}

const nothing = floatTensor(new Float32Array(1), [1, 1, 1, 1])

function added(first: Feeds, second: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(first).map(([name, { data, dims }]) => {
      const sum = new Float32Array(data.length)
      const other = second[name]!.data as Float32Array
      for (let i = 0; i < sum.length; i++) sum[i] = (data as Float32Array)[i]! + other[i]!
      return [name, floatTensor(sum, dims)]
    }),
  )
}

/** 0..1, pixel by pixel, to the same channel by channel: `[1, 3, height, width]`. */
function toHint({ width, height, data }: FloatImage): Tensor {
  const count = width * height
  const planes = new Float32Array(3 * count)
  for (let c = 0; c < 3; c++) for (let i = 0; i < count; i++) planes[c * count + i] = data[3 * i + c]!
  return floatTensor(planes, [1, 3, height, width])
}
