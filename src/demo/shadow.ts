import { type Vec3, across, cross, unit } from './maths.ts'
import { type Raster, createRaster, rasterize } from './rasterizer.ts'
import type { Scene } from './scene.ts'

/** Towards the sun. */
export const sun: Vec3 = unit([-0.52, 0.86, 0.62])
const right = across([1, 0, 0], sun)
const up = cross(sun, right)

const side = 640
/** Half of what the shadow raster covers, metres, around the dancer's middle. */
const reach = 1.15
const centre: Vec3 = [0, 0.8, 0]
const scale = side / 2 / reach

export interface ShadowMap {
  readonly raster: Raster
  readonly corners: Float64Array
}

export function createShadowMap(scene: Scene): ShadowMap {
  return { raster: createRaster(side, side), corners: new Float64Array(scene.pointCount * 3) }
}

/** Draws what the sun sees of the dancer. */
export function castShadows({ raster, corners }: ShadowMap, scene: Scene, points: Float32Array): void {
  let end = 0
  for (let t = scene.castingTriangles * 3 - 1; t >= scene.castingTriangles * 3 - 3; t--)
    end = Math.max(end, scene.indices[t]! + 1)
  for (let i = 0; i < end * 3; i += 3) {
    const x = points[i]! - centre[0]
    const y = points[i + 1]! - centre[1]
    const z = points[i + 2]! - centre[2]
    corners[i] = (x * right[0] + y * right[1] + z * right[2]) * scale + side / 2
    corners[i + 1] = -(x * up[0] + y * up[1] + z * up[2]) * scale + side / 2
    corners[i + 2] = x * sun[0] + y * sun[1] + z * sun[2] + 10
  }
  rasterize(raster, corners, scene.indices, scene.oneSided, scene.castingTriangles)
}

/** How much of the sun reaches a point, 0..1; `bias` (metres) keeps a surface from shading itself. */
export function sunlight({ raster }: ShadowMap, px: number, py: number, pz: number, bias: number): number {
  const x = px - centre[0]
  const y = py - centre[1]
  const z = pz - centre[2]
  const u = (x * right[0] + y * right[1] + z * right[2]) * scale + side / 2
  const v = -(x * up[0] + y * up[1] + z * up[2]) * scale + side / 2
  const near = x * sun[0] + y * sun[1] + z * sun[2] + 10 + bias
  const i = Math.floor(u)
  const j = Math.floor(v)
  if (i < 0 || j < 0 || i >= side - 1 || j >= side - 1) return 1
  const k = j * side + i
  const { nearness } = raster
  const a = nearness[k]! > near ? 0 : 1
  const b = nearness[k + 1]! > near ? 0 : 1
  const c = nearness[k + side]! > near ? 0 : 1
  const d = nearness[k + side + 1]! > near ? 0 : 1
  const s = u - i
  const t = v - j
  return (a * (1 - s) + b * s) * (1 - t) + (c * (1 - s) + d * s) * t
}
