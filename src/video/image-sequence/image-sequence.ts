import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { readPng } from '../../image/png.ts'
import type { FrameRange, FrameSource, TimedFrame } from '../frame-source.ts'

/** Endings of files that are taken as frames. */
const imageEndings: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff', '.avif'])

/** Frames per second of an image sequence where none is asked for. */
export const defaultSequenceRate = 24

export interface ImageSequenceOptions {
  /** Frames per second; default 24. Frame k is shown at k / rate. */
  readonly frameRate?: number | undefined
}

/** Whether a path looks like one picture, by its ending. */
export function isImagePath(path: string): boolean {
  return imageEndings.has(extname(path).toLowerCase())
}

/** Whether the file name has a printf number in it: `frame_%06d.png`, `%d.jpg`. */
export function isPattern(path: string): boolean {
  return /%0?\d*d/.test(basename(path))
}

/**
 * Pictures as a video: a folder (all images in it, in natural order: 2 before 10), a pattern such as `frame_%06d.png` (every number there
 * is, ascending, gaps allowed), or one picture. All have the size of the first.
 *
 * @throws OfgenError `input_missing`, `video_missing` (no image there), `image_unreadable` (the first picture).
 */
export async function openImageSequence(
  path: string,
  { frameRate = defaultSequenceRate }: ImageSequenceOptions = {},
): Promise<FrameSource> {
  if (!(frameRate > 0) || frameRate === Infinity) throw new RangeError(`frameRate is positive, got ${frameRate}.`)
  const { files, warnings } = await listImages(path)
  const { width, height } = await readPng(files[0]!)
  const closing = new AbortController()

  async function* frames(request: { range?: FrameRange; signal?: AbortSignal } = {}): AsyncGenerator<TimedFrame, void, void> {
    const { range = { unit: 'frames', start: 0, end: Infinity }, signal } = request
    const place = (k: number): number => (range.unit === 'seconds' ? k / frameRate + 1e-6 : k)
    let index = 0
    for (let k = 0; k < files.length && place(k) < range.end; k++) {
      if (place(k) < range.start) continue
      closing.signal.throwIfAborted()
      signal?.throwIfAborted()
      const image = await readPng(files[k]!)
      if (image.width !== width || image.height !== height)
        throw new OfgenError(
          'image_unreadable',
          `${files[k]!} is ${image.width}x${image.height}, but ${basename(files[0]!)} is ${width}x${height}; all images of a sequence have one size.`,
          { hint: 'Take the odd image out of the sequence, or scale it.' },
        )
      yield { index: index++, time: k / frameRate, image }
    }
  }

  return {
    info: {
      path,
      width,
      height,
      frameRate,
      duration: files.length / frameRate,
      frameCount: files.length,
      hasAudio: false,
      hasAlpha: false,
      description: `${files.length} ${files.length === 1 ? 'image' : 'images'}, ${width}x${height}, ${Number(frameRate.toFixed(2))} fps`,
    },
    warnings,
    frames,
    close: () => {
      closing.abort(new DOMException('The images were closed.', 'AbortError'))
      return Promise.resolve()
    },
  }
}

async function listImages(path: string): Promise<{ files: string[]; warnings: string[] }> {
  const pattern = isPattern(path) && (await stat(path).catch(() => undefined)) === undefined
  const folder = pattern ? dirname(path) : path
  const found = await stat(folder).catch((error: unknown) => {
    throw new OfgenError('input_missing', `There is no ${pattern ? 'folder' : 'file or folder'} ${folder}.`, {
      hint: 'Check the path; paths with spaces need quotes.',
      cause: error,
    })
  })
  if (!pattern && !found.isDirectory()) return { files: [path], warnings: [] }
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'))
  const warnings: string[] = []
  let taken: string[]
  if (pattern) {
    const numbered = numberReader(basename(path))
    const numbers = names.flatMap((name) => {
      const number = numbered(name)
      return number === undefined ? [] : [{ name, number }]
    })
    numbers.sort((a, b) => a.number - b.number)
    taken = numbers.map(({ name }) => name)
    const first = numbers[0]?.number ?? 0
    const missing = (numbers.at(-1)?.number ?? 0) - first + 1 - numbers.length
    if (missing > 0)
      warnings.push(
        `${path}: ${missing} ${missing === 1 ? 'number is' : 'numbers are'} missing; the images follow each other without a gap.`,
      )
  } else {
    taken = names.filter(isImagePath).sort(new Intl.Collator('en', { numeric: true }).compare)
    const endings = new Set(taken.map((name) => extname(name).toLowerCase()))
    if (endings.size > 1)
      warnings.push(`${path} has images of several kinds (${[...endings].join(', ')}); all are taken, in order of their names.`)
  }
  if (taken.length === 0)
    throw new OfgenError('video_missing', pattern ? `No file fits ${path}.` : `There is no image in the folder ${path}.`, {
      hint: `Images are ${[...imageEndings].join(', ')}; a pattern is for example frames/%06d.png.`,
    })
  return { files: taken.map((name) => join(folder, name)), warnings }
}

/** Reads the number of file names made with a printf pattern; `undefined` for other names. */
function numberReader(pattern: string): (name: string) => number | undefined {
  const [, before, zero, width, after] = /^(.*?)%(0?)(\d*)d(.*)$/.exec(pattern)!
  const digits = zero === '0' && width !== '' ? Number(width) : 1
  return (name) => {
    if (!name.startsWith(before!) || !name.endsWith(after!)) return undefined
    const text = name.slice(before!.length, name.length - after!.length)
    // What printf writes: at least `digits` digits, more only without a leading zero.
    if (!/^\d+$/.test(text) || text.length < digits || (text.length > digits && text.startsWith('0'))) return undefined
    return Number(text)
  }
}
