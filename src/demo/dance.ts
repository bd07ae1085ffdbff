import { type Vec3, cos, degrees, loop, tau } from './maths.ts'

/** The loop's length, seconds: eight beats at 120 a minute. */
export const loopSeconds = 4
export const beats = 8
/** The beat at whose start both feet leave the ground. */
export const hopBeat = 3

/**
 * Where a hand is: metres from the middle of the shoulders, in axes that turn with the chest but less far; where elbow and palm point (the
 * chest's axes); how far the hand bends back.
 */
interface HandMoment {
  readonly hand: Vec3
  readonly elbow: Vec3
  readonly palm: Vec3
  readonly flex: number
}

/** What the dancer does at one moment; angles in radians, lengths in metres. */
export interface DanceMoment {
  /** The body's place on the ground and its height above standing. */
  readonly x: number
  readonly y: number
  readonly z: number
  /** Turn of the hips; positive towards the viewer's right. */
  readonly yaw: number
  /** Turn of the chest against the hips. */
  readonly twist: number
  readonly lean: number
  /** Hips and chest tipping sideways. */
  readonly sway: number
  readonly bend: number
  readonly look: number
  readonly nod: number
  readonly tilt: number
  readonly mouth: number
  readonly left: HandMoment
  readonly right: HandMoment
}

type Keys = readonly number[]

// One value a beat, eight beats a loop.
const keys = {
  x: [0, 0.06, 0.085, 0.03, 0, -0.06, -0.085, -0.03],
  yaw: [-12, 22, 62, 40, -8, -52, -70, -44],
  twist: [-4, 8, 12, -6, -8, -10, -10, 4],
  lean: [1, 3, -2, 7, -3, 3, -2, 5],
  bend: [-7, 5, 9, 0, 0, -5, -9, -1],
  look: [4, -4, -6, 2, 2, 5, 8, 2],
  nod: [2, 5, -3, 9, -8, 4, -3, 6],
  tilt: [8, -7, -10, 0, 5, 9, 10, 2],
  mouth: [0.7, 0.35, 1, 0.3, 1, 0.35, 0.9, 0.2],
} as const satisfies Record<string, Keys>

const leftHand: readonly Vec3[] = [
  [0.26, 0.28, 0.1],
  [0.09, 0.17, 0.26],
  [0.31, 0.1, 0.2],
  [0.23, 0.02, 0.2],
  [0.25, 0.19, 0.14],
  [0.28, -0.03, 0.19],
  [0.09, -0.06, 0.28],
  [0.21, 0.1, 0.2],
]
const rightHand: readonly Vec3[] = [
  [-0.3, -0.22, 0.05],
  [-0.33, -0.12, 0.13],
  [-0.11, -0.06, 0.27],
  [-0.22, 0.02, 0.2],
  [-0.25, 0.19, 0.14],
  [-0.08, 0.17, 0.26],
  [-0.31, 0.19, 0.13],
  [-0.34, -0.02, 0.12],
]

function turn(values: Keys, beat: number): number {
  return degrees(loop(values, beat))
}

function path(points: readonly Vec3[], beat: number): Vec3 {
  const axis = (k: 0 | 1 | 2): number =>
    loop(
      points.map((point) => point[k]),
      beat,
    )
  return [axis(0), axis(1), axis(2)]
}

export function danceAt(beat: number): DanceMoment {
  const phase = beat * tau
  const place = ((beat % 8) + 8) % 8
  return {
    x: loop(keys.x, beat),
    y: -0.03 - 0.02 * cos(phase) + height(place),
    z: 0.015 * cos(phase / 4),
    yaw: turn(keys.yaw, beat),
    twist: turn(keys.twist, beat),
    lean: turn(keys.lean, beat),
    sway: degrees(7.5) * cos(phase / 2),
    bend: turn(keys.bend, beat),
    look: turn(keys.look, beat),
    nod: turn(keys.nod, beat),
    tilt: turn(keys.tilt, beat),
    mouth: loop(keys.mouth, beat),
    left: handMoment(path(leftHand, beat), 1),
    right: handMoment(path(rightHand, beat), -1),
  }
}

/** The hop: down before it, up with the feet, down again when landing. */
function height(place: number): number {
  const dip = (at: number, depth: number): number => {
    const d = Math.abs(place - at) / 0.55
    return d < 1 ? -depth * (1 - d * d) * (1 - d * d) : 0
  }
  return (
    dip(hopBeat, 0.028) + dip(hopBeat + 1.1, 0.03) + (place > hopBeat && place < hopBeat + 1 ? hopHeight(place - hopBeat) : 0)
  )
}

/** Height of the feet during the hop's beat (`t` 0..1 of it), metres. */
export function hopHeight(t: number): number {
  const u = (t - 0.12) / 0.76
  return u > 0 && u < 1 ? 0.2 * u * (1 - u) : 0
}

function handMoment(hand: Vec3, side: 1 | -1): HandMoment {
  return {
    hand,
    elbow: [side * 0.75, -0.55, -0.45 + 0.5 * hand[1]],
    palm: [side * -0.25, 0.15 - 0.4 * hand[1], 1],
    flex: 0.15 + 0.5 * Math.max(0, hand[1]),
  }
}
