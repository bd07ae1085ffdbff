import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { OfgenError } from '../errors.ts'
import type { Frame, Plane } from './frame.ts'
import { writeWholeFile } from './whole-file.ts'

export interface PngOptions {
  /** zlib's compression level, 0..9. 2 (default) is fast and 15 % larger than 6; use 6 for what people keep. */
  readonly level?: number
}

/** A frame as the bytes of a PNG file (8-bit RGB). @throws RangeError if `data` does not fit the size or the level is not 0..9. */
export async function encodePng(frame: Frame, options: PngOptions = {}): Promise<Uint8Array> {
  const { width, height, data } = frame
  if (data.length !== width * height * 3)
    throw new RangeError(`frame.data of a ${width}x${height} frame has ${width * height * 3} bytes, got ${data.length}.`)
  return compress(data, width, height, 3, options)
}

/** Writes a frame as a PNG that appears whole. @throws OfgenError `disk_full`, `output_unwritable`. */
export async function writePng(path: string, frame: Frame, options: PngOptions = {}): Promise<void> {
  await writeWholeFile(path, await encodePng(frame, options))
}

/**
 * Writes a plane as a grey PNG, for looking at: `black` and below is 0, `white` and above is 255.
 *
 * @throws OfgenError `disk_full`, `output_unwritable`.
 */
export async function writePlanePng(
  path: string,
  plane: Plane,
  { black = 0, white = 1, ...options }: PngOptions & { readonly black?: number; readonly white?: number } = {},
): Promise<void> {
  const bytes = new Uint8Array(plane.data.length)
  const scale = 255 / (white - black)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.min(255, Math.max(0, Math.round((plane.data[i]! - black) * scale)))
  await writeWholeFile(path, await compress(bytes, plane.width, plane.height, 1, options))
}

/**
 * The picture in the bytes of an image file, as 8-bit sRGB. Reads PNG and whatever else sharp reads (JPEG, WebP, TIFF, AVIF, …):
 * 16 bits are cut to 8, grey becomes RGB, transparent parts are put over white, the camera's orientation is applied.
 *
 * @param name What the picture is called in the error.
 * @throws OfgenError `image_unreadable`.
 */
export async function decodeImage(bytes: Uint8Array, name = 'The image'): Promise<Frame> {
  try {
    const { data, info } = await sharp(bytes)
      .autoOrient()
      .toColourspace('srgb')
      .flatten({ background: '#ffffff' })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    if (channels === 3) return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) }
    const rgb = new Uint8Array(width * height * 3)
    for (let i = 0, from = 0; i < rgb.length; i += 3, from += channels) rgb.fill(data[from]!, i, i + 3)
    return { width, height, data: rgb }
  } catch (error) {
    throw unreadable(name, bytes.length === 0 ? 'the file is empty' : firstLine(error), error)
  }
}

/** Reads an image file as 8-bit sRGB, as `decodeImage`. @throws OfgenError `image_unreadable` that names the file. */
export async function readPng(path: string): Promise<Frame> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw unreadable(path, (error as { code?: string }).code === 'ENOENT' ? 'no such file' : firstLine(error), error)
  }
  return decodeImage(bytes, path)
}

async function compress(
  data: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 3,
  options: PngOptions,
): Promise<Uint8Array> {
  const { level = 2 } = options
  if (!Number.isInteger(level) || level < 0 || level > 9) throw new RangeError(`level is a whole number 0..9, got ${level}.`)
  const picture = sharp(data, { raw: { width, height, channels } })
  return (channels === 1 ? picture.toColourspace('b-w') : picture)
    .png({ compressionLevel: level, adaptiveFiltering: false })
    .toBuffer()
}

function unreadable(name: string, why: string, cause: unknown): OfgenError {
  return new OfgenError('image_unreadable', `${name} is not a readable image: ${why}.`, {
    hint: 'Give a whole PNG, JPEG or WebP file; open it in an image viewer to see whether it is damaged.',
    cause,
  })
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text
    .split('\n')[0]!
    .replace(/^Input buffer (contains|has) /, '')
    .replace(/[.\s]+$/, '')
}
