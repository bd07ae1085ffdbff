import type { Plane } from '../image/frame.ts'
import type { Flow } from './flow.ts'
import { warpChannels, warpPlane } from './warp.ts'

/** A way from one frame to another with how far it is to be believed (0..1), both on the grid of the frame it begins at. */
export interface Track {
  readonly flow: Flow
  readonly trust: Plane
}

/**
 * Flow a -> c from a -> b and b -> c: `ab(x) + bc(x + ab(x))`, sampled bilinearly.
 *
 * @throws TypeError if the sizes differ.
 */
export function composeFlows(ab: Flow, bc: Flow): Flow {
  if (ab.width !== bc.width || ab.height !== bc.height)
    throw new TypeError(`Flows of ${ab.width}x${ab.height} and ${bc.width}x${bc.height} cannot be composed: sizes must be equal.`)
  const data = warpChannels(bc.data, { channels: 2, order: 'interleaved' }, ab, 'linear')
  for (let i = 0; i < data.length; i++) data[i] = data[i]! + ab.data[i]!
  return { width: ab.width, height: ab.height, data }
}

/** Composes two tracks; trust multiplies along the way and is 0 where the way leaves the frame at b. @throws TypeError if the sizes differ. */
export function composeTracks(ab: Track, bc: Track): Track {
  const flow = composeFlows(ab.flow, bc.flow)
  const { width, height } = flow
  const trust = warpPlane(bc.trust, ab.flow)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const px = x + ab.flow.data[2 * i]!
      const py = y + ab.flow.data[2 * i + 1]!
      const inside = px >= 0 && px <= width - 1 && py >= 0 && py <= height - 1
      trust.data[i] = inside ? trust.data[i]! * ab.trust.data[i]! : 0
    }
  }
  return { flow, trust }
}
