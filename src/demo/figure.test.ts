import { assert, double, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loft, straight } from './loft.ts'
import { type Vec3, cos, curve, dot, length, loop, sin, sub, unit } from './maths.ts'
import { gridNormals } from './mesh.ts'
import { skinSurface } from './palette.ts'
import { attach, inPlace, inWorld, twoBones, world } from './place.ts'
import { bodyAt, rest } from './pose.ts'
import { type Pose, swingAt } from './swing.ts'

describe('mathematics without the engine', () => {
  it('has the sine and cosine of Math to 1e-8', () => {
    assert(
      property(double({ min: -200, max: 200, noNaN: true }), (x) => {
        expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(1e-8)
        expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(1e-8)
      }),
    )
  })

  it('draws curves through their points, without overshoot on a rising one', () => {
    const points = [
      [0, 0],
      [1, 1],
      [2, 5],
      [3, 6],
    ] as const
    for (const [x, y] of points) expect(curve(points, x)).toBeCloseTo(y, 12)
    for (let x = 0; x < 3; x += 0.05) expect(curve(points, x + 0.05)).toBeGreaterThan(curve(points, x))
    expect(loop([1, 2, 3], 4)).toBeCloseTo(2, 12)
  })
})

describe('the skeleton', () => {
  const angle = double({ min: -3, max: 3, noNaN: true })

  it('keeps places rigid and takes points there and back', () => {
    assert(
      property(angle, angle, angle, (yaw, pitch, roll) => {
        const place = attach(world, [0.3, -0.2, 1], yaw, pitch, roll)
        expect(dot(place.x, place.y)).toBeCloseTo(0, 7)
        expect(length(place.z)).toBeCloseTo(1, 7)
        const back = inPlace(place, inWorld(place, [1, 2, 3]))
        for (const k of [0, 1, 2]) expect(back[k]).toBeCloseTo(k + 1, 6)
      }),
    )
  })

  it('keeps the lengths of two bones, reaches what is in reach and points at what is not', () => {
    assert(
      property(angle, angle, angle, (x, y, z) => {
        const target: Vec3 = [x * 0.2, y * 0.2, z * 0.2 + 0.01]
        const { joint, end } = twoBones([0, 0, 0], target, 0.3, 0.25, [0.2, 0.9, 0.1])
        const wanted = length(target)
        if (wanted < 0.06) return
        expect(length(joint)).toBeCloseTo(0.3, 6)
        expect(length(sub(end, joint))).toBeCloseTo(0.25, 6)
        if (wanted < 0.54) expect(length(sub(end, target))).toBeLessThan(1e-6)
        else expect(dot(unit(end), unit(target))).toBeCloseTo(1, 9)
      }),
    )
  })

  it('repeats after four seconds, body and swing', () => {
    const [a, b] = [bodyAt(0.75), bodyAt(4.75)]
    expect(length(sub(a.head.origin, b.head.origin))).toBeLessThan(1e-9)
    expect(length(sub(a.legs.left.end, b.legs.left.end))).toBeLessThan(1e-9)
    // The simulation has forgotten its start: over the seam the tips move on as between any two steps.
    const tip = (time: number): Vec3 => swingAt(time).tails.left.at(-1)!
    const step = length(sub(tip(0), tip(-1 / 240)))
    expect(Math.abs(step - length(sub(tip(1 / 240), tip(0))))).toBeLessThan(0.003)
  })

  it('stands on the ground: at any time a foot is down, save in the hop, and none goes below', () => {
    for (let k = 0; k < 96; k++) {
      const { legs } = bodyAt(k / 24)
      const soles = [legs.left, legs.right].map(({ tip }) => tip.origin[1] - rest.ankle)
      const beat = k / 12
      if (beat < 3 || beat > 4) expect(Math.min(...soles)).toBeLessThan(0.012)
      expect(Math.min(...soles)).toBeGreaterThan(-0.002)
    }
    const { legs } = bodyAt(1.75)
    expect(Math.min(legs.left.tip.origin[1], legs.right.tip.origin[1])).toBeGreaterThan(rest.ankle + 0.03)
  })

  it('keeps the hair tied, its links at their length, and out of the head', () => {
    for (let k = 0; k < 48; k++) {
      const { tails } = swingAt(k / 12)
      const { head } = bodyAt(k / 12)
      for (const line of [tails.left, tails.right]) {
        expect(length(sub(line[0]!, head.origin))).toBeLessThan(0.2)
        for (let i = 1; i < line.length; i++) {
          expect(Math.abs(length(sub(line[i]!, line[i - 1]!)) - 0.078)).toBeLessThan(0.012)
          if (i > 1) expect(length(sub(line[i]!, head.origin))).toBeGreaterThan(0.14)
        }
      }
    }
  })
})

it('gives tubes unit normals that point outward, the same on both sides of the seam', () => {
  const tube = loft(
    { name: 'tube', surface: skinSurface, rows: 9, columns: 13 },
    () => ({ points: straight([0, 0, 0], [0, 2, 0], 9), side: [1, 0, 0] }),
    () => [0.5, 0.5],
  )
  const points = new Float32Array(tube.rows * tube.columns * 3)
  tube.shape({} as Pose, points)
  const normals = new Float32Array(points.length)
  gridNormals(tube, points, normals)
  for (let i = 0; i < points.length; i += 3) {
    const away = unit([points[i]!, 0, points[i + 2]!])
    expect(dot(away, [normals[i]!, normals[i + 1]!, normals[i + 2]!])).toBeCloseTo(1, 2)
  }
  const [first, last] = [0, (tube.columns - 1) * 3]
  expect(normals.slice(first, first + 3)).toEqual(normals.slice(last, last + 3))
})
