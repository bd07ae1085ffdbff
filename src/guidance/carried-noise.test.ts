import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { Random } from '../random.ts'
import { carryNoise, startCarriedNoise, type CarriedNoise, type NoiseMotion } from './carried-noise.ts'

const scale = 8
const shape = { channels: 4, height: 24, width: 32 }
const [width, height] = [shape.width * scale, shape.height * scale]
const cells = shape.width * shape.height

/** A flow from the movement of each pixel's centre. */
function flowOf(move: (x: number, y: number) => readonly [number, number]): Flow {
  const data = new Float32Array(width * height * 2)
  for (let i = 0; i < width * height; i++) data.set(move((i % width) + 0.5, Math.floor(i / width) + 0.5), 2 * i)
  return { width, height, data }
}

function bothWays(move: (x: number, y: number) => readonly [number, number]): NoiseMotion {
  const forward = flowOf(move)
  return { forward, backward: { ...forward, data: forward.data.map((value) => -value) } }
}

/** Noise that only this seed and this frame have. */
function fresh(seed: number, frame: number): Float32Array {
  return new Random(seed, frame).normals(4 * cells)
}

/** Instead of noise: every value tells its frame, channel and cell. */
function labels(frame: number): Float32Array {
  return Float32Array.from({ length: 4 * cells }, (_, i) => frame * 4 * cells + i)
}

/** The draw in a cell: the frame and the cell it was drawn in. */
function origin({ noise }: CarriedNoise, cell: number): { frame: number; x: number; y: number } {
  const label = noise[cell]!
  const at = label % (4 * cells)
  return { frame: Math.floor(label / (4 * cells)), x: at % shape.width, y: Math.floor(at / shape.width) }
}

/** Slow rotation about the middle with a zoom, per frame. */
function turn(angle: number, zoom: number): (x: number, y: number) => [number, number] {
  const [cos, sin] = [Math.cos(angle) * zoom, Math.sin(angle) * zoom]
  return (x, y) => {
    const [dx, dy] = [x - width / 2, y - height / 2]
    return [cos * dx - sin * dy - dx, sin * dx + cos * dy - dy]
  }
}

describe('carried noise', () => {
  it('uses no draw twice and takes all channels of a cell together, whatever the flow', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 40, noNaN: true }), (seed, spread) => {
        const random = new Random(seed)
        let state = startCarriedNoise(labels(0), shape)
        for (let frame = 1; frame <= 3; frame++) {
          const forward: Flow = { width, height, data: random.normals(width * height * 2).map((value) => value * spread) }
          const backward: Flow = { width, height, data: random.normals(width * height * 2).map((value) => value * spread) }
          state = carryNoise(state, { forward, backward }, labels(frame))
        }
        expect(new Set(state.noise).size).toBe(4 * cells)
        for (let cell = 0; cell < cells; cell++)
          for (let c = 1; c < 4; c++) expect(state.noise[c * cells + cell]! - state.noise[cell]!).toBe(c * cells)
        expect(Math.max(...state.offsets.map(Math.abs))).toBeLessThanOrEqual(2.5)
      }),
      { numRuns: 8 },
    )
  })

  it('stays where nothing moves, to the last bit', () => {
    let state = startCarriedNoise(fresh(1, 0), shape)
    const still = bothWays(() => [0, 0])
    for (let frame = 1; frame < 5; frame++) state = carryNoise(state, still, fresh(1, frame))
    expect(state.noise).toEqual(fresh(1, 0))
    expect(state.carried).toBe(1)
  })

  it('keeps the still part of a picture when another part moves', () => {
    let state = startCarriedNoise(labels(0), shape)
    const motion = bothWays((x) => (x > width / 2 ? [3, 1] : [0, 0]))
    for (let frame = 1; frame < 20; frame++) state = carryNoise(state, motion, labels(frame))
    for (let cell = 0; cell < cells; cell++) {
      const x = cell % shape.width
      if (x < shape.width / 2 - 1) expect(state.noise[cell]).toBe(cell)
    }
  })

  it('adds up slow motion: a tenth of a pixel a frame is a cell after 80 frames', () => {
    // Tenths meet the edge between two cells exactly.
    const speed = fc.oneof(
      fc.double({ min: -0.9, max: 0.9, noNaN: true }),
      fc.integer({ min: -9, max: 9 }).map((tenths) => tenths / 10),
    )
    fc.assert(
      fc.property(speed, speed, (u, v) => {
        const motion = bothWays(() => [u, v])
        let state = startCarriedNoise(labels(0), shape)
        const frames = 41
        for (let frame = 1; frame <= frames; frame++) state = carryNoise(state, motion, labels(frame))
        const [dx, dy] = [(u * frames) / scale, (v * frames) / scale]
        fc.pre([dx, dy].every((d) => Math.abs(Math.abs(d % 1) - 0.5) > 0.01))
        for (let y = 6; y < shape.height - 6; y++)
          for (let x = 6; x < shape.width - 6; x++)
            expect(origin(state, y * shape.width + x)).toEqual({ frame: 0, x: x - Math.round(dx), y: y - Math.round(dy) })
      }),
      { numRuns: 25 },
    )
  })

  it('keeps draws near their true path through a long turn, and loses few of them', () => {
    const [angle, zoom] = [0.01, 1.002]
    const motion = bothWays(turn(angle, zoom))
    let state = startCarriedNoise(labels(0), shape)
    const frames = 40
    let lost = 0
    for (let frame = 1; frame <= frames; frame++) {
      state = carryNoise(state, motion, labels(frame))
      lost += 1 - state.carried
    }
    expect(lost / frames).toBeLessThan(0.05)
    let [inPlace, aged] = [0, 0]
    for (let cell = 0; cell < cells; cell++) {
      const { frame, x, y } = origin(state, cell)
      if (frame <= frames - 8) aged++
      // A fresh draw's place is only known to half a cell.
      const age = frames - frame
      const [dx, dy] = turn(angle * age, zoom ** age)((x + 0.5) * scale, (y + 0.5) * scale)
      const missX = x + dx / scale - (cell % shape.width)
      const missY = y + dy / scale - Math.floor(cell / shape.width)
      const miss = Math.max(Math.abs(missX), Math.abs(missY))
      expect(miss).toBeLessThan(3.2)
      if (miss < 1) inPlace++
    }
    expect(aged / cells).toBeGreaterThan(0.75)
    expect(inPlace / cells).toBeGreaterThan(0.75)
  })

  it('gives a cell to what stays visible, and drops what is covered even where cells beside it are empty', () => {
    const box = (x: number, y: number): boolean => x >= 80 && x < 96 && y >= 64 && y < 128
    const forward = flowOf((x, y) => (box(x, y) ? [16, 0] : [0, 0]))
    const backward = flowOf((x, y) => (box(x - 16, y) ? [-16, 0] : [0, 0]))
    const state = carryNoise(startCarriedNoise(labels(0), shape), { forward, backward }, labels(1))
    for (let y = 8; y < 16; y++) {
      const row = Array.from({ length: 6 }, (_, i) => origin(state, y * shape.width + 9 + i))
      // Cells 10 and 11 were the box and have come into view, 12 and 13 are the box now.
      expect(row.map(({ frame }) => frame)).toEqual([0, 1, 1, 0, 0, 0])
      expect(row.map(({ x }) => x)).toEqual([9, 10, 11, 10, 11, 14])
    }
  })

  it('loses nothing in a pan but what leaves the frame', () => {
    const motion = bothWays(() => [2.3, 0])
    let state = startCarriedNoise(labels(0), shape)
    let lost = 0
    const frames = 70
    for (let frame = 1; frame <= frames; frame++) {
      state = carryNoise(state, motion, labels(frame))
      lost += 1 - state.carried
    }
    expect(lost * shape.width).toBeCloseTo(Math.round((2.3 * frames) / scale), 8)
  })

  it('stays white through a long, uneven motion', () => {
    const random = new Random(11)
    let state = startCarriedNoise(fresh(5, 0), shape)
    const motion = bothWays((x, y) => {
      const [tx, ty] = turn(0.02, 1)(x, y)
      return [tx + 3 * Math.sin(y / 20), ty + 2 * Math.cos(x / 30)]
    })
    for (let frame = 1; frame <= 100; frame++) {
      // An estimator's error, alike over some pixels.
      const jitter = [random.normal(), random.normal()]
      const shaken: NoiseMotion = {
        ...motion,
        forward: { ...motion.forward, data: motion.forward.data.map((value, i) => value + jitter[i % 2]!) },
      }
      state = carryNoise(state, shaken, fresh(5, frame))
      const { noise } = state
      const count = noise.length
      const moment = (power: number): number => noise.reduce((sum, value) => sum + value ** power, 0) / count
      const beside = (dx: number, dy: number): number => {
        let sum = 0
        for (let i = 0; i < count; i++) {
          const x = i % shape.width
          const y = Math.floor(i / shape.width) % shape.height
          if (x + dx < shape.width && y + dy < shape.height) sum += noise[i]! * noise[i + dx + dy * shape.width]!
        }
        return sum / count
      }
      // Five standard errors.
      const limit = 5 / Math.sqrt(count)
      expect(Math.abs(moment(1))).toBeLessThan(limit)
      expect(Math.abs(moment(2) - 1)).toBeLessThan(limit * Math.sqrt(2))
      expect(Math.abs(moment(4) - 3)).toBeLessThan(limit * Math.sqrt(96))
      for (const [dx, dy] of [
        [1, 0],
        [0, 1],
        [1, 1],
        [2, 0],
      ] as const)
        expect(Math.abs(beside(dx, dy))).toBeLessThan(limit)
    }
  })

  it('refuses sizes that do not fit', () => {
    const still = bothWays(() => [0, 0])
    const state = startCarriedNoise(labels(0), shape)
    expect(() => startCarriedNoise(new Float32Array(3), shape)).toThrow(TypeError)
    expect(() => carryNoise(state, still, new Float32Array(3))).toThrow(TypeError)
    const small: Flow = { width: 2, height: 2, data: new Float32Array(8) }
    expect(() => carryNoise(state, { ...still, backward: small }, labels(1))).toThrow(TypeError)
  })
})
