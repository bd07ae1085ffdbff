import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClip } from '../../../test/media/make-clip.ts'
import { blankFrame, type Frame } from '../../image/frame.ts'
import type { FrameSource } from '../frame-source.ts'
import { openSource } from '../open-source.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ofgen-colors-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const matrices = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722] } as const

/** Slow waves of all colours. */
function waves(width: number, height: number): Frame {
  const frame = blankFrame(width, height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const u = (x / width) * 6.28
      const v = (y / height) * 6.28
      const rgb = [Math.sin(u), Math.sin(v + 1), Math.cos(u - v)].map((wave) => Math.round(128 + 110 * wave))
      frame.data.set(rgb, (y * width + x) * 3)
    }
  return frame
}

/** RGB to planar Y'CbCr of limited range by the definition (ITU-R BT.601, BT.709), chroma averaged over `step` x `step`. */
function toYuv({ width, height, data }: Frame, [kr, kb]: readonly [number, number], step: 1 | 2, bits: 8 | 10): Uint8Array {
  const scale = 2 ** (bits - 8)
  const luma = new Float64Array(width * height)
  const cb = new Float64Array((width / step) * (height / step))
  const cr = new Float64Array(cb.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x
      const [r, g, b] = [data[at * 3]! / 255, data[at * 3 + 1]! / 255, data[at * 3 + 2]! / 255]
      const l = kr * r + (1 - kr - kb) * g + kb * b
      const chroma = Math.floor(y / step) * (width / step) + Math.floor(x / step)
      luma[at] = 16 + 219 * l
      cb[chroma] = cb[chroma]! + (128 + (112 * (b - l)) / (1 - kb)) / step ** 2
      cr[chroma] = cr[chroma]! + (128 + (112 * (r - l)) / (1 - kr)) / step ** 2
    }
  const samples = [...luma, ...cb, ...cr].map((value) => Math.round(value * scale))
  return bits === 8 ? Uint8Array.from(samples) : new Uint8Array(Uint16Array.from(samples).buffer)
}

async function firstOf(source: FrameSource): Promise<Frame> {
  for await (const { image } of source.frames()) return image
  throw new Error('no frame')
}

function meanError(a: Frame, b: Frame): number {
  let sum = 0
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!)
  return sum / a.data.length
}

async function decoded(
  frame: Frame,
  matrix: keyof typeof matrices,
  options: { step?: 1 | 2; bits?: 8 | 10; tags?: readonly string[] },
): Promise<number> {
  const { step = 2, bits = 8, tags = [] } = options
  const format = `yuv4${step === 1 ? '44' : '20'}p${bits === 10 ? '10le' : ''}`
  const raw = ['-f', 'rawvideo', '-pix_fmt', format, '-s', `${frame.width}x${frame.height}`, '-r', '10', '-i', 'pipe:0']
  const path = await makeClip(
    folder,
    `${matrix}-${format}-${tags.length}-${frame.width}.mkv`,
    [...raw, '-c:v', 'ffv1', ...tags],
    toYuv(frame, matrices[matrix], step, bits),
  )
  return meanError(await firstOf(await openSource(path)), frame)
}

/** Names the colours of a file: older builds take the options, newer ones what the frames say. */
function tagged(space: string, primaries: string, transfer: string): string[] {
  const frames = `setparams=colorspace=${space}:color_primaries=${primaries}:color_trc=${transfer}:range=tv`
  return ['-vf', frames, '-colorspace', space, '-color_primaries', primaries, '-color_trc', transfer, '-color_range', 'tv']
}
const bt709 = tagged('bt709', 'bt709', 'bt709')
const bt601 = tagged('smpte170m', 'smpte170m', 'smpte170m')

describe('colours are decoded by the matrix that the file names', () => {
  const frame = waves(96, 64)
  test.each([
    ['BT.709', 'bt709', bt709, 1],
    ['BT.601', 'bt601', bt601, 1],
    ['BT.709, 4:2:0', 'bt709', bt709, 2],
    ['BT.601, 4:2:0', 'bt601', bt601, 2],
  ] as const)('%s', async (_, matrix, tags, step) => {
    expect(await decoded(frame, matrix, { tags, step })).toBeLessThan(step === 1 ? 0.6 : 1.5)
  })

  test('10 bits lose nothing against 8', async () => {
    expect(await decoded(frame, 'bt709', { tags: bt709, step: 2, bits: 10 })).toBeLessThan(1.5)
  })

  test('the test sees a wrong matrix: BT.709 read as BT.601 is far off', async () => {
    expect(await decoded(frame, 'bt709', { tags: bt601, step: 1 })).toBeGreaterThan(5)
  })
})

describe('a file that names no matrix is taken as players take it', () => {
  test('small: BT.601', async () => {
    expect(await decoded(waves(96, 64), 'bt601', {})).toBeLessThan(1.5)
  })

  test('high definition: BT.709', async () => {
    expect(await decoded(waves(1280, 720), 'bt709', {})).toBeLessThan(1.5)
  })
})

test('HDR is brought to the range of the screen: darks stay dark, paper white is bright, highlights do not clip flat', async () => {
  // Grey steps of 0, 1, 10, 100, 400, 1000 cd/m2 in PQ (SMPTE ST 2084), 10 bits, limited range.
  const nits = [0, 1, 10, 100, 400, 1000]
  const pq = (light: number): number => {
    const y = (light / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
  }
  const [width, height] = [96, 32]
  const samples = new Uint16Array(width * height * 1.5).fill(512)
  for (let i = 0; i < width * height; i++) samples[i] = Math.round(64 + 876 * pq(nits[Math.floor((i % width) / 16)]!))
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p10le', '-s', `${width}x${height}`, '-r', '10', '-i', 'pipe:0']
  const tags = tagged('bt2020nc', 'bt2020', 'smpte2084')
  const path = await makeClip(folder, 'hdr.mkv', [...raw, '-c:v', 'ffv1', ...tags], new Uint8Array(samples.buffer))
  const source = await openSource(path)
  expect(source.info.description).toContain('HDR')
  const image = await firstOf(source)
  const grey = nits.map((_, i) => image.data[(16 * width + i * 16 + 8) * 3]!)
  expect(source.warnings).toEqual([])
  expect(grey[0]).toBeLessThan(3)
  // Without tone mapping 100 cd/m2 would be 130 and 1000 no more than 192.
  expect(grey[3]).toBeGreaterThan(145)
  expect(grey[4]).toBeGreaterThan(200)
  expect(grey[4]).toBeLessThan(250)
  for (let i = 1; i < nits.length; i++) expect(grey[i]!).toBeGreaterThan(grey[i - 1]!)
})
