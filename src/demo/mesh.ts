import { type Vec3, inverseLength } from './maths.ts'
import type { Surface } from './surface.ts'
import type { Pose } from './swing.ts'

/**
 * A part of the scene: a grid of `rows` x `columns` points, joined to triangles. A point of the grid is the same point of the body in
 * every frame, so the motion of what is seen follows from the grid alone.
 */
export interface Part {
  /** What people would call it: `hair`, `left arm`. Several meshes may share a name. */
  readonly name: string
  readonly surface: Surface
  readonly rows: number
  readonly columns: number
  /** The first and the last column lie on each other: the normals there are joined. */
  readonly closed: boolean
  /** Seen from both sides; other parts show the side from which rows go up and columns go counter-clockwise. */
  readonly twoSided: boolean
  /** 0..1: how far normals are turned away from the part's upright axis, so that light and shade run smoothly over features. */
  readonly rounded: number
  /** The points are the same at every moment. */
  readonly fixed: boolean
  /** Coordinates for painting, `[rows * columns * 3]`: fixed to the part, the meaning is the surface's. */
  readonly paint: Float32Array
  /** Writes the points, `[rows * columns * 3]`, world metres. */
  readonly shape: (pose: Pose, out: Float32Array) => void
}

export interface PartOptions {
  readonly name: string
  readonly surface: Surface
  readonly rows: number
  readonly columns: number
  readonly closed?: boolean
  readonly twoSided?: boolean
  readonly rounded?: number
  readonly fixed?: boolean
  /** Default: (column share 0..1, row share 0..1, 0). */
  readonly paint?: (u: number, v: number) => Vec3
}

/** A part whose points are placed by a function of the pose: first asked for the pose, then for each point (u along columns, v along rows). */
export function part(
  options: PartOptions,
  place: (pose: Pose) => (u: number, v: number, column: number, row: number) => Vec3,
): Part {
  const { rows, columns, paint = (u, v): Vec3 => [u, v, 0] } = options
  const coordinates = new Float32Array(rows * columns * 3)
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i += 3) coordinates.set(paint(c / (columns - 1), r / (rows - 1)), i)
  return {
    name: options.name,
    surface: options.surface,
    rows,
    columns,
    closed: options.closed ?? false,
    twoSided: options.twoSided ?? false,
    rounded: options.rounded ?? 0,
    fixed: options.fixed ?? false,
    paint: coordinates,
    shape: (pose, out) => {
      const point = place(pose)
      for (let r = 0, i = 0; r < rows; r++) {
        for (let c = 0; c < columns; c++, i += 3) {
          const p = point(c / (columns - 1), r / (rows - 1), c, r)
          out[i] = p[0]
          out[i + 1] = p[1]
          out[i + 2] = p[2]
        }
      }
    },
  }
}

/** Unit normals of a grid, `[rows * columns * 3]`: the mean of the faces around each point, weighted by area; seams and poles are joined. */
export function gridNormals(grid: Part, points: Float32Array, out: Float32Array): void {
  const { rows, columns } = grid
  out.fill(0)
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const a = (r * columns + c) * 3
      const b = a + 3
      const d = a + columns * 3
      const e = d + 3
      // The normal of the quad is the cross product of its diagonals.
      const x1 = points[e]! - points[a]!
      const y1 = points[e + 1]! - points[a + 1]!
      const z1 = points[e + 2]! - points[a + 2]!
      const x2 = points[d]! - points[b]!
      const y2 = points[d + 1]! - points[b + 1]!
      const z2 = points[d + 2]! - points[b + 2]!
      const nx = y1 * z2 - z1 * y2
      const ny = z1 * x2 - x1 * z2
      const nz = x1 * y2 - y1 * x2
      for (let k = 0; k < 4; k++) {
        const i = k === 0 ? a : k === 1 ? b : k === 2 ? d : e
        out[i] = out[i]! + nx
        out[i + 1] = out[i + 1]! + ny
        out[i + 2] = out[i + 2]! + nz
      }
    }
  }
  if (grid.closed) for (let r = 0; r < rows; r++) joinNormals(out, [r * columns, r * columns + columns - 1])
  for (const r of [0, rows - 1]) {
    const first = r * columns * 3
    const middle = (r * columns + (columns >> 1)) * 3
    const wide = Math.abs(points[first]! - points[middle]!) + Math.abs(points[first + 1]! - points[middle + 1]!)
    if (wide + Math.abs(points[first + 2]! - points[middle + 2]!) < 1e-5)
      joinNormals(
        out,
        Array.from({ length: columns }, (_, c) => r * columns + c),
      )
  }
  normalize(out)
  if (grid.rounded > 0) {
    roundNormals(points, out, grid.rounded)
    normalize(out)
  }
}

function normalize(out: Float32Array): void {
  for (let i = 0; i < out.length; i += 3) {
    const s = inverseLength(out[i]!, out[i + 1]!, out[i + 2]!)
    out[i] = out[i]! * s
    out[i + 1] = out[i + 1]! * s
    out[i + 2] = out[i + 2]! * s
  }
}

function roundNormals(points: Float32Array, out: Float32Array, share: number): void {
  const middle = [0, 0, 0]
  for (let i = 0; i < points.length; i++) middle[i % 3] = middle[i % 3]! + (3 * points[i]!) / points.length
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i]! - middle[0]!
    const y = 0.3 * (points[i + 1]! - middle[1]!)
    const z = points[i + 2]! - middle[2]!
    const s = share * inverseLength(x, y, z)
    out[i] = out[i]! * (1 - share) + x * s
    out[i + 1] = out[i + 1]! * (1 - share) + y * s
    out[i + 2] = out[i + 2]! * (1 - share) + z * s
  }
}

function joinNormals(normals: Float32Array, points: readonly number[]): void {
  for (let k = 0; k < 3; k++) {
    let sum = 0
    for (const point of points) sum += normals[point * 3 + k]!
    for (const point of points) normals[point * 3 + k] = sum
  }
}
