import { readFile, writeFile } from 'node:fs/promises'
import { extname } from 'node:path'
import sharp from 'sharp'
import { OfgenError } from '../errors.ts'
import type { Flow } from './flow.ts'

/** A flow that may have holes. */
export interface KnownFlow {
  readonly flow: Flow
  /** 1 where the vector is known, 0 where not (there it is zero). */
  readonly known: Uint8Array
}

/**
 * Reads a flow file: Middlebury `.flo` or KITTI 16-bit `.png`.
 *
 * @throws OfgenError `input_missing` if there is none, `image_unreadable` if it is something else.
 */
export async function readFlow(path: string): Promise<KnownFlow> {
  const decode = codecOf(path).decode
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw new OfgenError('input_missing', `The flow file ${path} cannot be read.`, { cause })
  }
  try {
    return await decode(bytes)
  } catch (cause) {
    const reason = cause instanceof RangeError ? ` ${cause.message}` : ''
    throw new OfgenError('image_unreadable', `${path} is not a flow file of its kind.${reason}`, { cause })
  }
}

/** Writes a flow file, `.flo` (exact) or KITTI `.png` (steps of 1/64 px, -512..511.98 px). @throws OfgenError `option_invalid` for another ending. */
export async function writeFlow(path: string, flow: Flow, known?: Uint8Array): Promise<void> {
  await writeFile(path, await codecOf(path).encode(flow, known))
}

interface FlowCodec {
  readonly decode: (bytes: Uint8Array) => KnownFlow | Promise<KnownFlow>
  readonly encode: (flow: Flow, known?: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

function codecOf(path: string): FlowCodec {
  const ending = extname(path).toLowerCase()
  if (ending === '.flo') return { decode: decodeFlo, encode: encodeFlo }
  if (ending === '.png') return { decode: decodeKittiFlow, encode: encodeKittiFlow }
  throw new OfgenError('option_invalid', `Flow files are .flo (Middlebury) or .png (KITTI, 16 bit), not ${path}.`)
}

/** The four bytes "PIEH". */
const floTag = 202021.25
const unknownBeyond = 1e9
const unknown = 1e10

/** Middlebury `.flo`: tag, width, height, then (u, v) pairs, little-endian; beyond 1e9 means unknown. @throws RangeError for anything else. */
export function decodeFlo(bytes: Uint8Array): KnownFlow {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 12 || view.getFloat32(0, true) !== floTag) throw new RangeError('The tag of a .flo file is missing.')
  const width = view.getInt32(4, true)
  const height = view.getInt32(8, true)
  if (width < 1 || height < 1 || bytes.length !== 12 + width * height * 8)
    throw new RangeError(`A ${width}x${height} flow does not fill ${bytes.length} bytes.`)
  const data = new Float32Array(width * height * 2)
  const known = new Uint8Array(width * height)
  for (let i = 0; i < known.length; i++) {
    const u = view.getFloat32(12 + 8 * i, true)
    const v = view.getFloat32(16 + 8 * i, true)
    if (!(Math.abs(u) <= unknownBeyond && Math.abs(v) <= unknownBeyond)) continue
    known[i] = 1
    data[2 * i] = u
    data[2 * i + 1] = v
  }
  return { flow: { width, height, data }, known }
}

/** See {@link decodeFlo}. */
export function encodeFlo({ width, height, data }: Flow, known?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length * 4)
  const view = new DataView(bytes.buffer)
  view.setFloat32(0, floTag, true)
  view.setInt32(4, width, true)
  view.setInt32(8, height, true)
  for (let k = 0; k < data.length; k++) view.setFloat32(12 + 4 * k, known?.[k >> 1] === 0 ? unknown : data[k]!, true)
  return bytes
}

/** KITTI: 16-bit RGB PNG; u = (R - 32768) / 64, v = (G - 32768) / 64, B = known. */
export async function decodeKittiFlow(bytes: Uint8Array): Promise<KnownFlow> {
  const picture = sharp(bytes)
  const { depth, channels } = await picture.metadata()
  if (depth !== 'ushort' || channels !== 3) throw new RangeError('It must have three channels of 16 bits.')
  const { data: raw, info } = await picture.toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true })
  const values = new Uint16Array(raw.buffer, raw.byteOffset, raw.byteLength / 2)
  const data = new Float32Array(info.width * info.height * 2)
  const known = new Uint8Array(info.width * info.height)
  for (let i = 0; i < known.length; i++) {
    if (values[3 * i + 2] === 0) continue
    known[i] = 1
    data[2 * i] = (values[3 * i]! - 32768) / 64
    data[2 * i + 1] = (values[3 * i + 1]! - 32768) / 64
  }
  return { flow: { width: info.width, height: info.height, data }, known }
}

/** See {@link decodeKittiFlow}; vectors are rounded to 1/64 px, and those that the format cannot hold count as unknown. */
export async function encodeKittiFlow({ width, height, data }: Flow, known?: Uint8Array): Promise<Uint8Array> {
  const values = new Uint16Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    const u = Math.round(data[2 * i]! * 64) + 32768
    const v = Math.round(data[2 * i + 1]! * 64) + 32768
    if (known?.[i] === 0 || !(u >= 0 && u <= 65535 && v >= 0 && v <= 65535)) continue
    values[3 * i] = u
    values[3 * i + 1] = v
    values[3 * i + 2] = 1
  }
  return sharp(values, { raw: { width, height, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toBuffer()
}
