import type { Flow } from './flow.ts'
import { warpChannels } from './warp.ts'

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
