import { type Vec3, across, cross, dot, sin, sub, tau, unit } from './maths.ts'

/** A pinhole camera. Pixel centres are whole numbers: the top left pixel's centre is (0, 0). */
export interface Camera {
  readonly eye: Vec3
  readonly right: Vec3
  readonly up: Vec3
  readonly back: Vec3
  /** Pixels a metre at one metre's distance. */
  readonly focal: number
  readonly centreX: number
  readonly centreY: number
}

/** What the picture must hold at the dancer's distance, metres. */
const heightInView = 2.06
const widthInView = 1.36
const distance = 4.1

/** The camera at `time` (seconds): it drifts to and fro once in `period` and keeps looking at the dancer. */
export function cameraAt(time: number, period: number, width: number, height: number): Camera {
  const phase = (time / period) * tau
  const eye: Vec3 = [0.2 * sin(phase), 0.98 + 0.03 * sin(2 * phase), distance]
  const target: Vec3 = [0.012 * sin(phase), 0.84, 0]
  const back = unit(sub(eye, target))
  const up = across([0, 1, 0], back)
  return {
    eye,
    back,
    up,
    right: cross(up, back),
    focal: distance * Math.min(height / heightInView, width / widthInView),
    centreX: (width - 1) / 2,
    centreY: (height - 1) / 2,
  }
}

/** Where a point appears: (x, y) in pixels and its distance along the view, metres. */
export function project(camera: Camera, point: Vec3): Vec3 {
  const d = sub(point, camera.eye)
  const depth = -dot(d, camera.back)
  const s = camera.focal / depth
  return [camera.centreX + s * dot(d, camera.right), camera.centreY - s * dot(d, camera.up), depth]
}
