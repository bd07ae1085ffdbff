import type { Flow } from '../flow/flow.ts'
import { project } from './camera.ts'
import type { Vec3 } from './maths.ts'
import { sharesAt } from './rasterizer.ts'
import type { Scene } from './scene.ts'
import { type View, samples } from './shade.ts'

/**
 * The true motion of one frame's pixels: of the surface, not of the light. Shadows, drawn lines, the blink and the mouth change on the surface
 * without moving it.
 */
export interface DemoMotion {
  /** From this frame to the one before: where each pixel's surface point was. */
  readonly backward: Flow
  /** From this frame to the next: where it will be. */
  readonly forward: Flow
  /** 1 where the point was not to be seen in the frame before (hidden or outside), `[height * width]`. */
  readonly occludedBackward: Uint8Array
  /** Which part is seen, as a number of {@link DemoClip.partNames}, `[height * width]`. */
  readonly part: Uint8Array
}

/** The samples of a pixel, its centre first. */
const order = [4, 1, 3, 5, 7, 0, 2, 6, 8] as const

/**
 * Exact motion: the surface point seen in each pixel is followed to its place at the other moments.
 *
 * A pixel at an edge shows several parts; its motion is that of the mesh that covers most of its samples (the nearer one of equals), taken
 * at this mesh's sample closest to the pixel's centre. Motions are never averaged across an edge.
 */
export function motionOf(scene: Scene, view: View, before: View, after: number, partNames: readonly string[]): DemoMotion {
  const { width, height, indices, partOf, parts } = scene
  const { raster, corners } = view
  const partNumber = parts.map(({ name }) => partNames.indexOf(name))
  const pointsBefore = scene.pointsAt(before.time)
  const pointsAfter = scene.pointsAt(after)
  const cameraBefore = scene.cameraAt(before.time)
  const cameraAfter = scene.cameraAt(after)
  const backward = new Float32Array(width * height * 2)
  const forward = new Float32Array(width * height * 2)
  const occludedBackward = new Uint8Array(width * height)
  const part = new Uint8Array(width * height)
  const shares = new Float64Array(3)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const k = shownSample(view, scene, x, y)
      const sx = x * samples + (k % samples)
      const sy = y * samples + Math.floor(k / samples)
      const t = raster.triangle[sy * raster.width + sx]!
      sharesAt(corners, indices, t, sx, sy, shares)
      const middle = (samples - 1) / 2
      const px = (sx - middle) / samples
      const py = (sy - middle) / samples
      const was = project(cameraBefore, surfacePoint(pointsBefore, indices, t, shares))
      const willBe = project(cameraAfter, surfacePoint(pointsAfter, indices, t, shares))
      backward[2 * i] = was[0] - px
      backward[2 * i + 1] = was[1] - py
      forward[2 * i] = willBe[0] - px
      forward[2 * i + 1] = willBe[1] - py
      const p = partOf[t]!
      part[i] = partNumber[p]!
      occludedBackward[i] = seen(before, scene, was, p, parts[p]!.surface.scenery) ? 0 : 1
    }
  }
  return { backward: { width, height, data: backward }, forward: { width, height, data: forward }, occludedBackward, part }
}

function surfacePoint(points: Float32Array, indices: Uint32Array, t: number, shares: Float64Array): Vec3 {
  const a = indices[3 * t]! * 3
  const b = indices[3 * t + 1]! * 3
  const c = indices[3 * t + 2]! * 3
  const at = (k: number): number => shares[0]! * points[a + k]! + shares[1]! * points[b + k]! + shares[2]! * points[c + k]!
  return [at(0), at(1), at(2)]
}

function shownSample({ raster }: View, { partOf }: Scene, x: number, y: number): number {
  const first = y * samples * raster.width + x * samples
  const place = (k: number): number => first + Math.floor(k / samples) * raster.width + (k % samples)
  const centre = partOf[raster.triangle[place(4)]!]!
  let best = 4
  let most = 0
  let nearest = 0
  let uniform = true
  for (let k = 0; k < 9 && uniform; k++) uniform = partOf[raster.triangle[place(k)]!] === centre
  if (uniform) return 4
  for (const k of order) {
    const p = partOf[raster.triangle[place(k)]!]
    let count = 0
    for (let j = 0; j < 9; j++) if (partOf[raster.triangle[place(j)]!] === p) count++
    const near = raster.nearness[place(k)]!
    const known = partOf[raster.triangle[place(best)]!] === p
    if (count > most || (count === most && !known && near > nearest)) {
      best = k
      most = count
      nearest = near
    }
  }
  return best
}

/** Whether a point is seen at its place in a view: within one sample of it the same part must lie at the same distance. */
function seen({ raster }: View, { partOf }: Scene, [x, y, depth]: Vec3, p: number, scenery: boolean): boolean {
  const u = Math.round(x * samples + (samples - 1) / 2)
  const v = Math.round(y * samples + (samples - 1) / 2)
  const { width, height } = raster
  if (u < 0 || v < 0 || u >= width || v >= height) return false
  for (let j = Math.max(0, v - 1); j <= Math.min(height - 1, v + 1); j++) {
    for (let i = Math.max(0, u - 1); i <= Math.min(width - 1, u + 1); i++) {
      const t = raster.triangle[j * width + i]!
      if (t >= 0 && partOf[t] === p && (scenery || Math.abs(1 / raster.nearness[j * width + i]! - depth) < 0.012)) return true
    }
  }
  return false
}
