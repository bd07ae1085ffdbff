import { OfgenError } from '../errors.ts'
import type { Frame } from '../image/frame.ts'
import type { Flow, FlowEstimator } from './flow.ts'
import { luma } from '../image/color.ts'
import { loadOpenCv, type OpenCv } from './opencv.ts'

/** As OpenCV names them. */
export interface FarnebackOptions {
  /** Size of each pyramid level against the one below, 0..1 exclusive. */
  readonly pyrScale: number
  /** Pyramid levels, the full size included; at least 1. */
  readonly levels: number
  /** Side of the averaging window in pixels. */
  readonly winSize: number
  readonly iterations: number
  /** Side of the neighbourhood of the polynomial, 5 or 7. */
  readonly polyN: number
  /** Sigma of the Gaussian that weighs it; 1.1 for 5, 1.5 for 7. */
  readonly polySigma: number
}

/** What the reference method calls it with. */
export const farnebackDefaults: FarnebackOptions = {
  pyrScale: 0.5,
  levels: 5,
  winSize: 15,
  iterations: 3,
  polyN: 5,
  polySigma: 1.2,
}

/**
 * Farneback's flow by OpenCV in WebAssembly, on the calling thread. Grey pictures are 8 bit, as in OpenCV.
 *
 * @throws OfgenError `option_invalid` from `estimate` if the optional package `@techstark/opencv-js` is not installed.
 * @see Farneback, SCIA 2003
 */
export function farnebackEstimator(options: Partial<FarnebackOptions> = {}): FlowEstimator {
  const settings = { ...farnebackDefaults, ...options }
  checkOptions(settings)
  const { pyrScale, levels, winSize, iterations, polyN, polySigma } = settings
  return {
    id: `farneback ${pyrScale} ${levels} ${winSize} ${iterations} ${polyN} ${polySigma}`,
    async estimate(from: Frame, to: Frame, signal?: AbortSignal): Promise<Flow> {
      signal?.throwIfAborted()
      if (from.width !== to.width || from.height !== to.height)
        throw new TypeError(`Flow needs frames of equal size, got ${from.width}x${from.height} and ${to.width}x${to.height}.`)
      const cv = await loadOpenCv()
      signal?.throwIfAborted()
      return farnebackFlow(cv, rounded(luma(from.data)), rounded(luma(to.data)), from.width, from.height, settings)
    },
    close: () => Promise.resolve(),
  }
}

/** @param from @param to Grey, 8 bit, `width * height`. */
export function farnebackFlow(
  cv: OpenCv,
  from: Uint8Array,
  to: Uint8Array,
  width: number,
  height: number,
  { pyrScale, levels, winSize, iterations, polyN, polySigma }: FarnebackOptions,
): Flow {
  // Memory of a Mat lies in the WebAssembly heap and is freed by hand.
  const before = new cv.Mat(height, width, cv.CV_8UC1)
  const after = new cv.Mat(height, width, cv.CV_8UC1)
  const flow = new cv.Mat()
  try {
    before.data.set(from)
    after.data.set(to)
    cv.calcOpticalFlowFarneback(before, after, flow, pyrScale, levels, winSize, iterations, polyN, polySigma, 0)
    return { width, height, data: flow.data32F.slice() }
  } catch (cause) {
    throw new OfgenError('engine_failed', `OpenCV could not estimate the flow of ${width}x${height} frames.`, { cause })
  } finally {
    before.delete()
    after.delete()
    flow.delete()
  }
}

function rounded(grey: Float32Array): Uint8Array {
  return Uint8Array.from(grey, Math.round)
}

function checkOptions({ pyrScale, levels, winSize, iterations, polyN, polySigma }: FarnebackOptions): void {
  if (!(pyrScale > 0 && pyrScale < 1)) throw new RangeError(`pyrScale must lie between 0 and 1, got ${pyrScale}.`)
  for (const [name, value] of Object.entries({ levels, winSize, iterations, polyN }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a positive whole number, got ${value}.`)
  if (!(polySigma > 0)) throw new RangeError(`polySigma must be positive, got ${polySigma}.`)
}
