import type { Flow } from '../../src/flow/flow.ts'
import type { Frame } from '../../src/image/frame.ts'
import type { KnownFlow } from '../../src/measure/measure.ts'
import type { FrameSource } from '../../src/video/frame-source.ts'

/**
 * A textured clip whose motion is known: a still background, a band that glides 1.5 px a frame and a disc that crosses at (5, 1) px a frame.
 * `steady` and `fresh` are restyled: blotches and a tint, in the first painted onto the things, in the second drawn anew for every frame.
 */
export interface MovingScene {
  readonly width: number
  readonly height: number
  readonly source: Frame[]
  readonly steady: Frame[]
  readonly fresh: Frame[]
  readonly flow: KnownFlow
}

interface Spot {
  /** 0 background, 1 band, 2 disc. */
  readonly layer: number
  /** Place on the thing itself. */
  readonly x: number
  readonly y: number
}

const speeds: readonly (readonly [number, number])[] = [
  [0, 0],
  [1.5, 0],
  [5, 1],
]

export function movingScene(frames = 16, width = 112, height = 80): MovingScene {
  const times = Array.from({ length: frames }, (_, t) => t)
  return {
    width,
    height,
    source: times.map((t) => paint(width, height, t, scenery)),
    steady: times.map((t) => paint(width, height, t, (spot) => styled(spot, blotch(spot.x, spot.y, 7 + spot.layer)))),
    fresh: times.map((t) => paint(width, height, t, (spot, x, y) => styled(spot, blotch(x, y, 100 + t)))),
    flow: {
      id: 'exact',
      between: async (from, to) => exactFlow(width, height, from, to - from),
    },
  }
}

/** Frames in memory as a source. */
export function framesInMemory(frames: readonly Frame[], name = 'memory'): FrameSource {
  const { width, height } = frames[0]!
  return {
    info: {
      path: name,
      width,
      height,
      frameRate: 12,
      duration: frames.length / 12,
      frameCount: frames.length,
      hasAudio: false,
      hasAlpha: false,
      description: name,
    },
    warnings: [],
    async *frames() {
      for (const [index, image] of frames.entries()) yield { index, time: index / 12, image }
    },
    close: async () => {},
  }
}

function spotAt(x: number, y: number, t: number, height: number): Spot {
  const disc = speeds[2]!
  const dx = x - 14 - disc[0] * t
  const dy = y - height * 0.4 - disc[1] * t
  if (dx * dx + dy * dy < 13 * 13) return { layer: 2, x: dx, y: dy }
  if (y > height * 0.72) return { layer: 1, x: x - speeds[1]![0] * t, y }
  return { layer: 0, x, y }
}

type Paint = (spot: Spot, x: number, y: number) => readonly [number, number, number]

function paint(width: number, height: number, t: number, color: Paint): Frame {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, q = 0; y < height; y++)
    for (let x = 0; x < width; x++, q += 3) data.set(color(spotAt(x, y, t, height), x, y).map(clamp), q)
  return { width, height, data }
}

const scenery: Paint = ({ layer, x, y }) => {
  const coarse = noise(x / 9, y / 9, layer) + 0.5 * noise(x / 4, y / 4, layer + 10)
  const fine = noise(x / 2, y / 2, layer + 20)
  const value = 70 + 75 * coarse + 35 * fine
  const tint = [
    [0, 4, 12],
    [-8, 14, -14],
    [34, -6, -26],
  ][layer]!
  return [value + tint[0]!, value + tint[1]!, value + tint[2]!]
}

function styled(spot: Spot, paintwork: number): readonly [number, number, number] {
  const [r, g, b] = scenery(spot, 0, 0)
  return [r * 0.8 + 30 + paintwork, g * 0.75 + 24 + paintwork, b * 0.65 + 18 + 0.6 * paintwork]
}

function blotch(x: number, y: number, seed: number): number {
  return 44 * (noise(x / 5, y / 5, seed) - 0.5) + 30 * (noise(x / 2, y / 2, seed + 50) - 0.5)
}

function exactFlow(width: number, height: number, from: number, step: number): Flow {
  const data = new Float32Array(width * height * 2)
  for (let y = 0, q = 0; y < height; y++) {
    for (let x = 0; x < width; x++, q += 2) {
      const speed = speeds[spotAt(x, y, from, height).layer]!
      data[q] = speed[0] * step
      data[q + 1] = speed[1] * step
    }
  }
  return { width, height, data }
}

/** Smooth noise, 0..1, the same everywhere. */
function noise(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x)
  const y0 = Math.floor(y)
  const fx = smooth(x - x0)
  const fy = smooth(y - y0)
  const top = hash(x0, y0, seed) * (1 - fx) + hash(x0 + 1, y0, seed) * fx
  const bottom = hash(x0, y0 + 1, seed) * (1 - fx) + hash(x0 + 1, y0 + 1, seed) * fx
  return top * (1 - fy) + bottom * fy
}

function smooth(f: number): number {
  return f * f * (3 - 2 * f)
}

function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(seed + 1, 2246822519)
  h = Math.imul(h ^ (h >>> 15), 2246822519)
  h = Math.imul(h ^ (h >>> 13), 3266489917)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)))
}
