import { createRequire } from 'node:module'
import { OfgenError } from '../errors.ts'

interface Mat {
  readonly data: Uint8Array
  readonly data32F: Float32Array
  delete(): void
}

/** The part of OpenCV's WebAssembly build that is used here. */
export interface OpenCv {
  readonly Mat: new (rows?: number, columns?: number, type?: number) => Mat
  readonly CV_8UC1: number
  calcOpticalFlowFarneback(
    from: Mat,
    to: Mat,
    flow: Mat,
    pyrScale: number,
    levels: number,
    winSize: number,
    iterations: number,
    polyN: number,
    polySigma: number,
    flags: number,
  ): void
}

let loading: Promise<{ readonly cv: OpenCv }> | undefined

/**
 * Loads `@techstark/opencv-js`, once.
 *
 * @param require Replaced by tests.
 * @throws OfgenError `option_invalid` if it is not installed.
 */
export async function loadOpenCv(require: (name: string) => unknown = createRequire(import.meta.url)): Promise<OpenCv> {
  loading ??= load(require)
  try {
    return (await loading).cv
  } catch (error) {
    loading = undefined
    throw error
  }
}

/** Returns the library inside an object: it may have a `then`, and to await it would never end. For the same reason it is not imported. */
async function load(require: (name: string) => unknown): Promise<{ readonly cv: OpenCv }> {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = new Set(events.flatMap((event) => process.listeners(event as 'uncaughtException')))
  let exported: unknown
  try {
    exported = require('@techstark/opencv-js')
  } catch (cause) {
    throw new OfgenError('option_invalid', 'Flow by farneback needs the package @techstark/opencv-js, which is not installed.', {
      hint: 'Run "npm install @techstark/opencv-js", or use the flow estimator dis.',
      cause,
    })
  }
  // The library's own handlers would end the host process on errors that are none of its business.
  for (const event of events)
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before.has(listener)) process.removeListener(event, listener)
  if (exported instanceof Promise) return { cv: (await exported) as OpenCv }
  const cv = exported as OpenCv & { then?: unknown; onRuntimeInitialized?: () => void }
  delete cv.then
  if (typeof cv.Mat !== 'function') await new Promise<void>((resolve) => (cv.onRuntimeInitialized = resolve))
  return { cv }
}
