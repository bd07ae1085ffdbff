import type { Frame } from '../image/frame.ts'
import { inverseLength, smoothstep } from './maths.ts'
import { type Raster, createRaster, rasterize, sharesAt } from './rasterizer.ts'
import { type Scene, cornersOf, normalsOf } from './scene.ts'
import { castShadows, createShadowMap, sun, sunlight } from './shadow.ts'
import type { Tone } from './surface.ts'

/** Samples a pixel has along each side. */
export const samples = 3

// Pairs (x, y) inside a pixel.
const everySample: readonly number[] = [0, 0, 1, 0, 2, 0, 0, 1, 1, 1, 2, 1, 0, 2, 1, 2, 2, 2]
const cornerSamples: readonly number[] = [0, 0, 2, 0, 0, 2, 2, 2]
const centreSample: readonly number[] = [1, 1]

/** The scene at one moment, drawn as far as "which triangle is seen at each sample". */
export interface View {
  readonly time: number
  readonly raster: Raster
  readonly corners: Float64Array
}

/** @param used A view of the same scene that is no longer needed: its memory is used again. */
export function createView(scene: Scene, time: number, used?: View): View {
  const raster = used?.raster ?? createRaster(scene.width * samples, scene.height * samples)
  const corners = used?.corners ?? new Float64Array(scene.pointCount * 3)
  cornersOf(scene.pointsAt(time), scene.cameraAt(time), samples, corners)
  rasterize(raster, corners, scene.indices, scene.oneSided, scene.partOf.length)
  return { time, raster, corners }
}

/** Paints a view: two tones with a narrow edge, cast shadows, a rim of sky light, lines at the edges; then a box filter to pixels. */
export function createPainter(scene: Scene): (view: View) => Frame {
  const { width, height, indices, partOf, parts, paint } = scene
  const shadows = createShadowMap(scene)
  const tone: Tone = { r: 0, g: 0, b: 0, shadeR: 0, shadeG: 0, shadeB: 0, gloss: 0 }
  const normals = new Float32Array(scene.pointCount * 3)
  const shares = new Float64Array(3)
  const color = new Float64Array(3)
  const lineReach = Math.max(1, Math.round(Math.min(width / 256, height / 384) * 2))

  return ({ time, raster, corners }) => {
    const points = scene.pointsAt(time)
    normalsOf(scene, points, normals)
    const { eye } = scene.cameraAt(time)
    castShadows(shadows, scene, points)
    const across = raster.width
    const { triangle, nearness } = raster
    const data = new Uint8Array(width * height * 3)

    const shadeSample = (x: number, y: number): void => {
      const i = y * across + x
      const t = triangle[i]!
      if (t < 0) {
        color[0] = color[1] = color[2] = 200
        return
      }
      const p = partOf[t]!
      const { surface } = parts[p]!
      sharesAt(corners, indices, t, x, y, shares)
      const a = indices[3 * t]! * 3
      const b = indices[3 * t + 1]! * 3
      const c = indices[3 * t + 2]! * 3
      const wa = shares[0]!
      const wb = shares[1]!
      const wc = shares[2]!
      surface.paint(
        tone,
        wa * paint[a]! + wb * paint[b]! + wc * paint[c]!,
        wa * paint[a + 1]! + wb * paint[b + 1]! + wc * paint[c + 1]!,
        wa * paint[a + 2]! + wb * paint[b + 2]! + wc * paint[c + 2]!,
        time,
      )
      let lit = 1
      let rim = 0
      if (surface.light !== 'plain') {
        const px = wa * points[a]! + wb * points[b]! + wc * points[c]!
        const py = wa * points[a + 1]! + wb * points[b + 1]! + wc * points[c + 1]!
        const pz = wa * points[a + 2]! + wb * points[b + 2]! + wc * points[c + 2]!
        if (surface.light === 'ground') lit = 1 - 0.62 * (1 - sunlight(shadows, px, py, pz, 0.012))
        else {
          let nx = wa * normals[a]! + wb * normals[b]! + wc * normals[c]!
          let ny = wa * normals[a + 1]! + wb * normals[b + 1]! + wc * normals[c + 1]!
          let nz = wa * normals[a + 2]! + wb * normals[b + 2]! + wc * normals[c + 2]!
          const vx = eye[0] - px
          const vy = eye[1] - py
          const vz = eye[2] - pz
          const s = inverseLength(nx, ny, nz)
          const v = inverseLength(vx, vy, vz)
          let facing = (nx * vx + ny * vy + nz * vz) * s * v
          const flip = facing < 0 ? -s : s
          facing = Math.abs(facing)
          nx *= flip
          ny *= flip
          nz *= flip
          const towards = nx * sun[0] + ny * sun[1] + nz * sun[2]
          lit = smoothstep(0.02, 0.2, towards)
          if (lit > 0 && !surface.scenery) lit *= sunlight(shadows, px + nx * 0.008, py + ny * 0.008, pz + nz * 0.008, 0.01)
          lit = lit * 0.88 + 0.12 * smoothstep(-0.9, 0.9, ny)
          rim = smoothstep(0.5, 0.22, facing) * smoothstep(-0.25, 0.6, 0.75 * ny + 0.5 * nx - 0.3 * nz)
        }
      }
      let r = tone.shadeR + (tone.r - tone.shadeR) * lit
      let g = tone.shadeG + (tone.g - tone.shadeG) * lit
      let bl = tone.shadeB + (tone.b - tone.shadeB) * lit
      if (rim > 0) {
        r += (255 - r) * 0.3 * rim
        g += (248 - g) * 0.3 * rim
        bl += (236 - bl) * 0.3 * rim
      }
      if (surface.ink > 0) {
        const line = surface.ink * edge(x, y, i, p)
        if (line > 0) {
          r += (tone.shadeR * 0.5 + 18 - r) * line
          g += (tone.shadeG * 0.42 + 8 - g) * line
          bl += (tone.shadeB * 0.5 + 22 - bl) * line
        }
      }
      color[0] = r
      color[1] = g
      color[2] = bl
    }

    /** 1 where something else, further away, begins within the line's reach. */
    const edge = (x: number, y: number, i: number, p: number): number => {
      const z = nearness[i]!
      const other = z / (1 + 0.012 * z)
      const same = z / (1 + 0.04 * z)
      for (let k = 0; k < 4; k++) {
        const u = k === 0 ? x - lineReach : k === 1 ? x + lineReach : x
        const v = k === 2 ? y - lineReach : k === 3 ? y + lineReach : y
        if (u < 0 || v < 0 || u >= across || v >= raster.height) continue
        const j = v * across + u
        if (nearness[j]! >= other) continue
        const t = triangle[j]!
        if (t < 0 || nearness[j]! < same || parts[partOf[t]!]!.surface !== parts[p]!.surface) return 1
      }
      return 0
    }

    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const first = y * samples * across + x * samples
        const t0 = triangle[first]!
        const p = t0 < 0 ? -1 : partOf[t0]!
        let uniform = p >= 0
        for (let v = 0; uniform && v < samples; v++)
          for (let u = 0; uniform && u < samples; u++) {
            const t = triangle[first + v * across + u]!
            uniform = t >= 0 && partOf[t] === p
          }
        // Inside a part the corners of the pixel's samples are enough, inside scenery its centre.
        const chosen = !uniform ? everySample : parts[p]!.surface.scenery ? centreSample : cornerSamples
        let r = 0
        let g = 0
        let b = 0
        for (let k = 0; k < chosen.length; k += 2) {
          shadeSample(x * samples + chosen[k]!, y * samples + chosen[k + 1]!)
          r += color[0]!
          g += color[1]!
          b += color[2]!
        }
        const n = chosen.length / 2
        r /= n
        g /= n
        b /= n
        const o = (y * width + x) * 3
        data[o] = Math.round(Math.min(255, Math.max(0, r)))
        data[o + 1] = Math.round(Math.min(255, Math.max(0, g)))
        data[o + 2] = Math.round(Math.min(255, Math.max(0, b)))
      }
    }
    return { width, height, data }
  }
}
