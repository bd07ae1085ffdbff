import type { Motion } from '../flow/motion.ts'
import type { Plane } from '../image/frame.ts'

/**
 * How strongly a frame is drawn to its prediction.
 *
 * @param progress How far the denoising is, above 0..1: (step + 1) / steps, counted over the whole run, so that img2img
 *   begins late. With 50 steps and strength 0.4 it goes from 0.62 to 1.
 * @param motion How the frame moved since the one that the prediction comes from.
 * @returns The share of the prediction, 0 (left alone) to 1 (the prediction itself): one for the whole frame, or one a
 *   pixel, row-major `[height * width]`.
 */
export type GuidanceSchedule = (progress: number, motion: ScheduleMotion) => number | Float32Array

/** One value a pixel of the frame, row-major `[height * width]`, which knows its sides. */
export type PixelArray = Float32Array & { readonly width: number; readonly height: number }

/** What a {@link GuidanceSchedule} may look at, under our names and under those of the 2023 script. */
export interface ScheduleMotion {
  readonly width: number
  readonly height: number
  /** Length of each pixel's flow since the previous frame, in pixels. */
  readonly distance: PixelArray
  /** Mean of `distance`. */
  readonly meanDistance: number
  /** How far the flow is to be believed, 0..1 a pixel; 1 everywhere where nobody judged it. */
  readonly trust: PixelArray
  /** Denoising strength of the render, above 0..1. */
  readonly strength: number
  /** `distance` */
  readonly dist_mat: PixelArray
  /** `meanDistance` */
  readonly mean_of_dist: number
  /** `strength` */
  readonly denoise_strength: number
}

/** @throws TypeError if the planes differ in size. @throws RangeError if strength is not above 0 and at most 1. */
export function scheduleMotion(
  { distance, trust }: Pick<Motion, 'distance'> & { readonly trust?: Plane | undefined },
  strength: number,
): ScheduleMotion {
  const { width, height } = distance
  if (trust !== undefined && (trust.width !== width || trust.height !== height))
    throw new TypeError(`trust is ${trust.width}x${trust.height}, distance ${width}x${height}: they must be equal.`)
  if (!(strength > 0 && strength <= 1)) throw new RangeError(`strength must be above 0 and at most 1, got ${strength}.`)
  const pixels = pixelArray(distance)
  const mean = distance.data.reduce((sum, value) => sum + value, 0) / distance.data.length
  return {
    width,
    height,
    distance: pixels,
    meanDistance: mean,
    trust: pixelArray(trust ?? { width, height, data: new Float32Array(width * height).fill(1) }),
    strength,
    dist_mat: pixels,
    mean_of_dist: mean,
    denoise_strength: strength,
  }
}

/** A copy of a plane that knows its sides. */
export function pixelArray({ width, height, data }: Plane): PixelArray {
  return Object.assign(Float32Array.from(data), { width, height })
}

/**
 * The schedule of the 2023 script: 0.6 in the first four fifths of the run, 0.4 after, and 0.1 where the frame moved by
 * more than 1.5 pixels.
 */
export const referenceSchedule: GuidanceSchedule = (progress, { distance }) => {
  const still = progress < 0.8 ? 0.6 : 0.4
  const weights = new Float32Array(distance.length)
  for (let i = 0; i < weights.length; i++) weights[i] = distance[i]! > 1.5 ? 0.1 : still
  return weights
}

/** The same weight everywhere and always. @throws RangeError if it is not 0..1. */
export function constantSchedule(weight: number): GuidanceSchedule {
  if (!(weight >= 0 && weight <= 1)) throw new RangeError(`weight must be 0..1, got ${weight}.`)
  return () => weight
}
