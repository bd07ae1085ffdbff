import { type Vec3, add, cross, dot, length, lerp, scale, sub } from './maths.ts'
import { inWorld } from './place.ts'
import { loopSeconds } from './dance.ts'
import { type Body, bodyAt, rest } from './pose.ts'

/** What follows the body with delay: springs and chains, simulated once in small steps and then looked up. */
export interface Swing {
  /** Turn of the skirt's hem against the hips, radians. */
  readonly hemTurn: number
  /** How much the hem is lifted, 0 at rest, about 1 in a quick turn. */
  readonly flare: number
  /** How far the hem lags sideways, world metres (x, z). */
  readonly hemLag: readonly [x: number, z: number]
  /** How far light hair at the head lags, world metres. */
  readonly headLag: Vec3
  /** The two tails' middle lines from the tie to the tip, world. */
  readonly tails: { readonly left: readonly Vec3[]; readonly right: readonly Vec3[] }
}

/** A body with the hair and cloth that follow it. */
export interface Pose extends Body {
  readonly swing: Swing
}

const stepsPerSecond = 240
const links = 9
const linkLength = 0.078
/** Where the tails are tied, in the head's coordinates, and how they leave it. */
export const tie: Vec3 = [0.118, 0.072, -0.05]
const leave: Vec3 = [0.8, 0.1, -0.45]

interface Spring {
  value: number
  speed: number
}

/** One step of a damped spring towards `target`; `rate` in radians a second, `damping` 1 is critical. */
function pull(spring: Spring, target: number, rate: number, damping: number, push = 0): void {
  const dt = 1 / stepsPerSecond
  spring.speed += dt * (rate * rate * (target - spring.value) - 2 * damping * rate * spring.speed + push)
  spring.value += dt * spring.speed
}

interface Chain {
  readonly points: Vec3[]
  readonly before: Vec3[]
}

let simulated: readonly Swing[] | undefined

/** The state at any time, seconds; simulated when first asked for. */
export function swingAt(time: number): Swing {
  simulated ??= simulate()
  const place = (((time % loopSeconds) + loopSeconds) % loopSeconds) * stepsPerSecond
  const k = Math.floor(place + 1e-6)
  const t = place - k
  const state = simulated[k % simulated.length]!
  return Math.abs(t) < 1e-6 ? state : blend(state, simulated[(k + 1) % simulated.length]!, t)
}

/** One loop in steps, after several that let the start be forgotten. */
function simulate(): Swing[] {
  const steps = loopSeconds * stepsPerSecond
  const bodies = Array.from({ length: steps }, (_, k) => bodyAt(k / stepsPerSecond))
  const yaws = bodies.map((body) => body.yaw)
  const first = bodies[0]!
  const turn: Spring = { value: yaws[0]!, speed: 0 }
  const flare: Spring = { value: 0, speed: 0 }
  const hem = [0, 2].map((k): Spring => ({ value: first.pelvis.origin[k]!, speed: 0 }))
  const light = first.head.origin.map((value): Spring => ({ value, speed: 0 }))
  const chains = { left: hang(first, 1), right: hang(first, -1) }
  const states: Swing[] = []
  for (let k = 0; k < 4 * steps; k++) {
    const body = bodies[k % steps]!
    const { origin } = body.pelvis
    pull(turn, yaws[k % steps]!, 8.5, 0.32)
    const next = bodies[(k + 1) % steps]!.pelvis.origin[1]
    const last = bodies[(k + steps - 1) % steps]!.pelvis.origin[1]
    const rising = ((next - last) / 2) * stepsPerSecond
    pull(flare, 0.13 * turn.speed * turn.speed - 0.55 * rising, 11, 0.5)
    pull(hem[0]!, origin[0], 9, 0.35)
    pull(hem[1]!, origin[2], 9, 0.35)
    for (let a = 0; a < 3; a++) pull(light[a]!, inWorld(body.head, [0, -0.1, 0])[a]!, 14, 0.4)
    swingTail(chains.left, body, 1)
    swingTail(chains.right, body, -1)
    if (k < 3 * steps) continue
    const at = inWorld(body.head, [0, -0.1, 0])
    states.push({
      hemTurn: turn.value - yaws[k % steps]!,
      flare: flare.value,
      hemLag: [hem[0]!.value - origin[0], hem[1]!.value - origin[2]],
      headLag: [light[0]!.value - at[0], light[1]!.value - at[1], light[2]!.value - at[2]],
      tails: { left: [...chains.left.points], right: [...chains.right.points] },
    })
  }
  return states
}

function blend(a: Swing, b: Swing, t: number): Swing {
  const number = (p: number, q: number): number => p + (q - p) * t
  const line = (p: readonly Vec3[], q: readonly Vec3[]): Vec3[] => p.map((point, i) => lerp(point, q[i]!, t))
  return {
    hemTurn: number(a.hemTurn, b.hemTurn),
    flare: number(a.flare, b.flare),
    hemLag: [number(a.hemLag[0], b.hemLag[0]), number(a.hemLag[1], b.hemLag[1])],
    headLag: lerp(a.headLag, b.headLag, t),
    tails: { left: line(a.tails.left, b.tails.left), right: line(a.tails.right, b.tails.right) },
  }
}

function hang(body: Body, side: 1 | -1): Chain {
  const start = inWorld(body.head, [side * tie[0], tie[1], tie[2]])
  const points = Array.from({ length: links + 1 }, (_, k): Vec3 => add(start, [side * 0.02 * k, -linkLength * k, 0]))
  return { points, before: [...points] }
}

/** One step of a hanging chain (Verlet, links kept at their length), stiff near the tie, kept out of head, body and skirt. */
function swingTail({ points, before }: Chain, body: Body, side: 1 | -1): void {
  const dt = 1 / stepsPerSecond
  const { head } = body
  points[0] = inWorld(head, [side * tie[0], tie[1], tie[2]])
  before[0] = points[0]
  const out = sub(inWorld(head, [side * leave[0], leave[1], leave[2]]), head.origin)
  for (let k = 1; k <= links; k++) {
    const p = points[k]!
    const velocity = scale(sub(p, before[k]!), 1 - 2.6 * dt)
    before[k] = p
    points[k] = add(add(p, velocity), [0, -6.5 * dt * dt, 0])
  }
  // The first links keep an arch away from the head.
  const arch: Vec3[] = [
    points[0],
    add(points[0], scale(out, linkLength)),
    add(points[0], add(scale(out, 1.62 * linkLength), [0, -0.55 * linkLength, 0])),
  ]
  points[1] = lerp(points[1]!, arch[1]!, 0.25)
  points[2] = lerp(points[2]!, arch[2]!, 0.04)
  for (let round = 0; round < 6; round++) {
    for (let k = 1; k <= links; k++) {
      const a = points[k - 1]!
      const b = points[k]!
      const d = sub(b, a)
      const excess = (length(d) - linkLength) / length(d)
      const share = k === 1 ? 1 : 0.5
      points[k] = sub(b, scale(d, excess * share))
      if (k > 1) points[k - 1] = add(a, scale(d, excess * (1 - share)))
    }
    for (let k = 2; k <= links; k++) points[k] = keepOut(points[k]!, body, 0.035 + 0.02 * Math.min(1, k / 4))
  }
}

function keepOut(point: Vec3, body: Body, thickness: number): Vec3 {
  const { head, chest, pelvis } = body
  let p = push(point, inWorld(head, [0, 0.01, -0.005]), 0.135 + thickness)
  p = push(p, inWorld(chest, [0, 0.09, 0]), 0.095 + thickness)
  p = push(p, inWorld(chest, [0, -0.03, 0]), 0.085 + thickness)
  p = push(p, inWorld(pelvis, [0, -0.01, 0]), 0.13 + thickness)
  p = push(p, inWorld(pelvis, [0, -0.14, 0]), 0.19 + thickness)
  for (const { root, joint, end } of [body.arms.left, body.arms.right]) {
    p = pushFromLine(p, root, joint, 0.03 + thickness * 0.6)
    p = pushFromLine(p, joint, end, 0.022 + thickness * 0.6)
  }
  return p[1] < 0.06 ? [p[0], 0.06, p[2]] : p
}

function push(point: Vec3, centre: Vec3, radius: number): Vec3 {
  const d = sub(point, centre)
  const away = length(d)
  return away < radius && away > 0 ? add(centre, scale(d, radius / away)) : point
}

function pushFromLine(point: Vec3, a: Vec3, b: Vec3, radius: number): Vec3 {
  const along = sub(b, a)
  const t = Math.min(1, Math.max(0, dot(sub(point, a), along) / dot(along, along)))
  const nearest = add(a, scale(along, t))
  // Pushed softly, and backwards rather than through: an arm sweeps the hair aside.
  const d = sub(point, nearest)
  const away = length(d)
  if (away >= radius || away === 0) return point
  const side = cross(along, d)
  return length(side) === 0 ? point : add(point, scale(d, (0.1 * (radius - away)) / away))
}

/** Height of the skirt's waist above the hips' origin. */
export const waistHeight: number = 0.962 - rest.pelvis
