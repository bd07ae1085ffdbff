import { type Camera, cameraAt } from './camera.ts'
import { loopSeconds } from './dance.ts'
import { figureParts } from './figure.ts'
import { landscapeParts } from './landscape.ts'
import { type Part, gridNormals } from './mesh.ts'
import { petalParts } from './petals.ts'
import { bodyAt } from './pose.ts'
import type { Corners } from './rasterizer.ts'
import { swingAt } from './swing.ts'

/** All parts as one list of points and triangles; the list is the same at every moment, only the points move. */
export interface Scene {
  readonly width: number
  readonly height: number
  readonly parts: readonly Part[]
  readonly firstPoint: readonly number[]
  readonly pointCount: number
  /** Three points a triangle; those that cast shadows come first. */
  readonly indices: Uint32Array
  readonly castingTriangles: number
  /** 1 where a triangle is not drawn from behind; one a triangle. */
  readonly oneSided: Uint8Array
  /** Which part a triangle belongs to. */
  readonly partOf: Uint16Array
  /** Painting coordinates, three a point. */
  readonly paint: Float32Array
  /** The points at a time (seconds, any; the dance repeats), `[pointCount * 3]`, world metres. Kept for the last few times asked. */
  readonly pointsAt: (time: number) => Float32Array
  readonly cameraAt: (time: number) => Camera
}

export function createScene(width: number, height: number): Scene {
  const { focal } = cameraAt(0, loopSeconds, width, height)
  const spread = width / 2 / focal
  const parts = [...figureParts(), ...petalParts(spread, height / 2 / focal), ...landscapeParts(spread, height / 2 / focal)]
  const firstPoint: number[] = []
  let pointCount = 0
  let triangleCount = 0
  let castingTriangles = 0
  for (const { rows, columns, surface } of parts) {
    firstPoint.push(pointCount)
    pointCount += rows * columns
    triangleCount += (rows - 1) * (columns - 1) * 2
    if (!surface.scenery) castingTriangles = triangleCount
  }
  const indices = new Uint32Array(triangleCount * 3)
  const oneSided = new Uint8Array(triangleCount)
  const partOf = new Uint16Array(triangleCount)
  const paint = new Float32Array(pointCount * 3)
  let t = 0
  for (const [p, { rows, columns, twoSided, paint: own }] of parts.entries()) {
    const first = firstPoint[p]!
    paint.set(own, first * 3)
    for (let r = 0; r + 1 < rows; r++) {
      for (let c = 0; c + 1 < columns; c++) {
        const a = first + r * columns + c
        const d = a + columns
        indices.set([a, a + 1, d + 1, a, d + 1, d], t * 3)
        oneSided.fill(twoSided ? 0 : 1, t, t + 2)
        partOf.fill(p, t, t + 2)
        t += 2
      }
    }
  }
  const spare: Float32Array[] = []
  const kept = new Map<number, Float32Array>()
  const pointsAt = (time: number): Float32Array => {
    const found = kept.get(time)
    if (found) return found
    const used = spare.pop()
    const points = used ?? new Float32Array(pointCount * 3)
    const pose = { ...bodyAt(time), swing: swingAt(time) }
    for (const [p, { rows, columns, fixed, shape }] of parts.entries()) {
      if (fixed && used) continue
      const start = firstPoint[p]! * 3
      shape(pose, points.subarray(start, start + rows * columns * 3))
    }
    kept.set(time, points)
    if (kept.size > 6) {
      const oldest: number = kept.keys().next().value!
      spare.push(kept.get(oldest)!)
      kept.delete(oldest)
    }
    return points
  }
  return {
    width,
    height,
    parts,
    firstPoint,
    pointCount,
    indices,
    castingTriangles,
    oneSided,
    partOf,
    paint,
    pointsAt,
    cameraAt: (time) => cameraAt(time, loopSeconds, width, height),
  }
}

/** Writes the unit normals of every point of the parts that need them. */
export function normalsOf(scene: Scene, points: Float32Array, normals: Float32Array): void {
  for (const [p, grid] of scene.parts.entries()) {
    if (grid.surface.light === 'plain' || grid.surface.light === 'ground') continue
    const start = scene.firstPoint[p]! * 3
    const end = start + grid.rows * grid.columns * 3
    gridNormals(grid, points.subarray(start, end), normals.subarray(start, end))
  }
}

/** Where the points appear on a raster of `samples` x `samples` a pixel; nearness is 1 / distance. */
export function cornersOf(
  points: Float32Array,
  { eye, right, up, back, focal, centreX, centreY }: Camera,
  samples: number,
  out: Corners,
): void {
  const middle = (samples - 1) / 2
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]! - eye[0]
    const y = points[i + 1]! - eye[1]
    const z = points[i + 2]! - eye[2]
    const near = -1 / (x * back[0] + y * back[1] + z * back[2])
    const s = focal * near
    out[i] = (centreX + s * (x * right[0] + y * right[1] + z * right[2])) * samples + middle
    out[i + 1] = (centreY - s * (x * up[0] + y * up[1] + z * up[2])) * samples + middle
    out[i + 2] = near
  }
}
