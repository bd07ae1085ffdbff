import { type DanceMoment, beats, danceAt, hopBeat, hopHeight, loopSeconds } from './dance.ts'
import { type Vec3, add, across, cos, degrees, loop, mix, scale, sin, smoothstep, sub, tau, unit } from './maths.ts'
import { type Place, attach, inWorld, turned, twoBones, world } from './place.ts'

/** An arm or a leg: three joints, the axis about which the middle one bends, and what hangs at its end. */
export interface Limb {
  readonly root: Vec3
  readonly joint: Vec3
  readonly end: Vec3
  readonly hinge: Vec3
  /** Hand: y along the fingers, z out of the palm. Foot: z towards the toes. */
  readonly tip: Place
}

/** The skeleton at one moment. Left is the dancer's left, at +x when she faces the camera. */
export interface Body {
  readonly time: number
  /** Turn of the hips, radians; positive towards the viewer's right. */
  readonly yaw: number
  readonly pelvis: Place
  readonly chest: Place
  /** Origin in the middle of the head, chin at y = -0.135. */
  readonly head: Place
  readonly arms: { readonly left: Limb; readonly right: Limb }
  readonly legs: { readonly left: Limb; readonly right: Limb }
  /** 0 open, 1 closed. */
  readonly blink: number
  /** 0 closed smile, 1 open. */
  readonly mouth: number
}

/** Heights of the joints when standing straight, metres. */
export const rest = {
  pelvis: 0.85,
  chest: 1.06,
  shoulder: 1.205,
  neck: 1.235,
  head: 1.425,
  hip: 0.83,
  knee: 0.455,
  ankle: 0.085,
} as const
const thigh = rest.hip - rest.knee
const shin = rest.knee - rest.ankle
const upperArm = 0.205
const forearm = 0.195
const hipAside = 0.062
const shoulderAside = 0.117

export function bodyAt(time: number): Body {
  const beat = (time / loopSeconds) * beats
  const move = danceAt(beat)
  const root = rootOf(move)
  const pelvis = attach(root, [0, 0, 0], 0, move.lean * 0.35, move.sway)
  const chest = attach(pelvis, [0, rest.chest - rest.pelvis, 0], move.twist, move.lean, move.bend - move.sway)
  const head = headOf(chest, move)
  return {
    time,
    yaw: move.yaw,
    pelvis,
    chest,
    head,
    arms: { left: arm(chest, move, 1), right: arm(chest, move, -1) },
    legs: { left: leg(pelvis, beat, 1), right: leg(pelvis, beat, -1) },
    blink: shut(beat, 6.34, 0.36) + shut(beat, 2.5, 0.2),
    mouth: move.mouth,
  }
}

/** 1 around a beat, for `half` beats to each side, 0 elsewhere. */
function shut(beat: number, at: number, half: number): number {
  const place = ((beat % beats) + beats) % beats
  return smoothstep(half + 0.13, half, Math.abs(place - at))
}

function rootOf(move: DanceMoment): Place {
  return attach(world, [move.x, rest.pelvis + move.y, move.z], move.yaw)
}

/** The head turns less than the body does, so that the face stays towards the camera, and nods and tilts on its own. */
function headOf(chest: Place, move: DanceMoment): Place {
  const facing = Math.sqrt(chest.z[0] * chest.z[0] + chest.z[2] * chest.z[2])
  const neck = inWorld(chest, [0, rest.neck - rest.chest, 0.004])
  const yaw = (move.yaw + move.twist) * 0.42 + move.look
  const upright = attach({ ...world, origin: neck }, [0, 0, 0], yaw, move.nod, move.tilt)
  const up = unit(add(scale(upright.y, 0.75), scale(chest.y, 0.25 * facing)))
  const z = across(upright.z, up)
  const frame: Place = {
    origin: neck,
    y: up,
    z,
    x: [up[1] * z[2] - up[2] * z[1], up[2] * z[0] - up[0] * z[2], up[0] * z[1] - up[1] * z[0]],
  }
  return attach(frame, [0, rest.head - rest.neck, 0.012])
}

function arm(chest: Place, move: DanceMoment, side: 1 | -1): Limb {
  const { hand, elbow, palm, flex } = side === 1 ? move.left : move.right
  const raise = smoothstep(-0.1, 0.35, hand[1])
  const root = inWorld(chest, [side * (shoulderAside - 0.008 * raise), rest.shoulder - rest.chest + 0.028 * raise, 0])
  const origin = inWorld(chest, [0, rest.shoulder - rest.chest, 0])
  const reach = attach({ ...world, origin }, [0, 0, 0], (move.yaw + move.twist) * 0.62, move.lean, move.bend)
  const target = inWorld(reach, hand)
  const { joint, end, hinge } = twoBones(root, target, upperArm, forearm, turned(chest, elbow))
  const along = unit(sub(end, joint))
  const facing = turned(chest, palm)
  const y = unit(add(along, scale(across(facing, along), -flex)))
  const z = across(facing, y)
  const x: Vec3 = [y[1] * z[2] - y[2] * z[1], y[2] * z[0] - y[0] * z[2], y[0] * z[1] - y[1] * z[0]]
  return { root, joint, end, hinge, tip: { origin: end, x, y, z } }
}

/** Feet are set down one after the other, a beat each, under where the body will be; both leave the ground in the hop. */
function leg(pelvis: Place, beat: number, side: 1 | -1): Limb {
  const step = stepAt(beat, side)
  const sole = attach(world, [step.x, step.y, step.z], step.yaw)
  const tilt = step.pitch
  const foot = attach(sole, [0, rest.ankle + 0.3 * Math.max(0, tilt) * 0.12, 0], 0, tilt)
  const root = inWorld(pelvis, [side * hipAside, rest.hip - rest.pelvis, 0])
  const knee = add(scale(turned(sole, [side * 0.16, 0, 1]), 0.6), scale(pelvis.z, 0.5))
  const { joint, end, hinge } = twoBones(root, foot.origin, thigh, shin, knee)
  return { root, joint, end, hinge, tip: { ...foot, origin: end } }
}

interface Step {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly yaw: number
  readonly pitch: number
}

function stepAt(beat: number, side: 1 | -1): Step {
  const k = Math.floor(beat)
  const t = beat - k
  const lifting = footMoves(k, side)
  const from = standing(k, side)
  if (!lifting) return { ...from, y: 0, pitch: 0 }
  const to = standing(k + 1, side)
  const hop = ((k % beats) + beats) % beats === hopBeat
  const s = hop ? smoothstep(0.15, 0.85, t) : smoothstep(0.1, 0.9, t)
  const arc = sin((tau / 2) * smoothstep(0, 0.92, t))
  const yaw = mix(from.yaw, to.yaw, s)
  const air = hop ? hopHeight(t) : 0.07 * arc
  const back = hop ? 0.03 * arc : 0.055 * arc
  return {
    x: mix(from.x, to.x, s) - back * sin(yaw),
    z: mix(from.z, to.z, s) - back * cos(yaw),
    y: air,
    yaw,
    pitch: (hop ? 0.6 : 0.7) * arc,
  }
}

function footMoves(k: number, side: 1 | -1): boolean {
  const beat = ((k % beats) + beats) % beats
  return beat === hopBeat || (beat % 2 === 0) === (side === 1)
}

/** Where a foot stands at the start of beat `k`: where it was last set down. */
function standing(k: number, side: 1 | -1): { x: number; z: number; yaw: number } {
  let landed = k
  while (!footMoves(landed - 1, side)) landed--
  const move = danceAt(landed)
  const yaw = move.yaw * 0.8 + degrees(10) * side
  const spot = attach(world, [move.x * 1.05, 0, move.z], move.yaw * 0.8)
  const aside = loop(stance, landed)
  const [x, , z] = inWorld(spot, [side * aside, 0, 0.01])
  return { x, z, yaw }
}

/** Distance of the feet from the middle at each beat, metres. */
const stance = [0.07, 0.085, 0.105, 0.06, 0.115, 0.085, 0.105, 0.06]
