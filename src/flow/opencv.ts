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
 * @throws OfgenError `option_invalid` if it is not installed.
 */
export async function loadOpenCv(importModule: () => Promise<unknown> = importOpenCv): Promise<OpenCv> {
  loading ??= load(importModule)
  try {
    return (await loading).cv
  } catch (error) {
    loading = undefined
    throw error
  }
}

async function importOpenCv(): Promise<unknown> {
  return import('@techstark/opencv-js')
}

async function load(importModule: () => Promise<unknown>): Promise<{ readonly cv: OpenCv }> {
  const handled = ['uncaughtException', 'unhandledRejection'] as const
  const before = new Set(handled.flatMap((event) => process.listeners(event as 'uncaughtException')))
  let module: { readonly default: unknown }
  try {
    module = (await importModule()) as typeof module
  } catch (cause) {
    throw new OfgenError('option_invalid', 'Flow by farneback needs the package @techstark/opencv-js, which is not installed.', {
      hint: 'Run "npm install @techstark/opencv-js", or use the flow estimator dis.',
      cause,
    })
  }
  const started = await ready(module.default)
  // The module's own handlers would end the host process on errors that are none of its business.
  for (const event of handled)
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before.has(listener)) process.removeListener(event, listener)
  return started
}

/** The module is, by version, a promise of the library or the library itself, still starting and with a `then` that never ends. */
async function ready(exported: unknown): Promise<{ readonly cv: OpenCv }> {
  if (exported instanceof Promise) return { cv: (await exported) as OpenCv }
  const cv = exported as OpenCv & { then?: unknown; onRuntimeInitialized?: () => void }
  delete cv.then
  if (typeof cv.Mat !== 'function') await new Promise<void>((resolve) => (cv.onRuntimeInitialized = resolve))
  return { cv }
}
