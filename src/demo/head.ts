import { paintFace } from './face.ts'
import { loft, straight } from './loft.ts'
import { type Part, part } from './mesh.ts'
import { type Vec3, cos, curve, sin, smoothstep, tau } from './maths.ts'
import { skin, skinSurface } from './palette.ts'
import { type Surface, glaze, setTone } from './surface.ts'
import { inWorld } from './place.ts'

/** Half the head's width, and how far its front and its back reach, over the height from the head's origin; metres. */
const halfWidth = [
  [-0.137, 0],
  [-0.132, 0.02],
  [-0.118, 0.044],
  [-0.092, 0.072],
  [-0.055, 0.099],
  [-0.01, 0.115],
  [0.04, 0.119],
  [0.09, 0.106],
  [0.13, 0.066],
  [0.15, 0.026],
  [0.154, 0],
] as const
const front = [
  [-0.137, 0.07],
  [-0.13, 0.092],
  [-0.11, 0.104],
  [-0.07, 0.11],
  [0, 0.113],
  [0.05, 0.111],
  [0.1, 0.088],
  [0.135, 0.05],
  [0.154, 0],
] as const
const back = [
  [-0.137, -0.07],
  [-0.12, -0.03],
  [-0.09, 0.03],
  [-0.04, 0.092],
  [0.02, 0.118],
  [0.07, 0.116],
  [0.12, 0.074],
  [0.154, 0],
] as const

/** A point on the head or `gap` outside it, at an angle from the front (radians, positive to her left) and a height; head's coordinates. */
export function onHead(angle: number, y: number, gap = 0): Vec3 {
  const c = cos(angle)
  const s = sin(angle)
  const near = curve(front, y) + gap
  const far = curve(back, y) + gap
  const half = curve(halfWidth, y) + gap
  // Rounder than an ellipse at the cheeks, so that the face is a little flat.
  const middle = (near - far) / 2
  const deep = (near + far) / 2
  const fuller = 1 / Math.sqrt(Math.sqrt(c * c * c * c + s * s * s * s))
  const k = 1 + 0.16 * (fuller - 1) * (c > 0 ? 1 : 0.4)
  return [half * s * k, y, middle + deep * c * k]
}

/** The neck: in the chin's shade towards the top. */
const throat: Surface = {
  ...skinSurface,
  paint: (tone, _, v) => {
    setTone(tone, skin.light, skin.shade)
    glaze(tone, skin.shade, skin.shade, smoothstep(0.42, 0.5, v))
  },
}

export function headParts(): Part[] {
  const rows = 36
  const columns = 41
  const heightAt = (v: number): number => {
    const s = v * v * (3 - 2 * v)
    return -0.137 + 0.291 * (0.6 * v + 0.4 * s)
  }
  const local = (u: number, v: number): Vec3 => onHead((u - 0.5) * tau, heightAt(v))
  const face: Part = part(
    {
      name: 'face',
      surface: { light: 'toon', ink: 0.75, scenery: false, paint: paintFace },
      rows,
      columns,
      closed: true,
      rounded: 0.75,
      paint: local,
    },
    ({ head }) =>
      (u, v) =>
        inWorld(head, local(u, v)),
  )
  const neck = loft(
    { name: 'neck', surface: throat, rows: 6, columns: 17 },
    ({ chest, head }) => ({
      points: straight(inWorld(chest, [0, 0.15, -0.006]), inWorld(head, [0, -0.07, -0.012]), 6),
      side: chest.x,
    }),
    (v) => [0.031 + 0.016 * (1 - v) * (1 - v) * (1 - v), 0.031 + 0.006 * (1 - v) * (1 - v)],
  )
  return [face, neck]
}
