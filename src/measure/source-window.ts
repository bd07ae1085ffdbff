import type { Flow } from '../flow/flow.ts'
import { luma } from '../image/color.ts'
import { stillPixels } from './flicker.ts'
import type { FrameLook } from './frame-look.ts'
import { ageUncovered, type UncoveredAge } from './holes.ts'
import { pairMotion, type PairMotion } from './pair-motion.ts'
import { dilate, erode, regionMask, type Region } from './region.ts'

/** The last frames of the source and its motion between them: all that the measures need of it, at most 5 frames, newest last. */
export interface SourceWindow {
  readonly looks: FrameLook[]
  /** Which pixels count, a frame. */
  readonly regions: Uint8Array[]
  /** Pixels well outside the figure, a frame; undefined where the whole picture counts. */
  readonly backgrounds: Uint8Array[] | undefined
  /** Of the newest frame: the region eroded by 5x5, for the Laplacian, and by 9x9, for bands. */
  interior: Uint8Array
  bandInterior: Uint8Array
  /** One fewer than frames; undefined across a cut. */
  readonly motions: (PairMotion | undefined)[]
  /** Pixels that stand still, for each of `motions`. */
  readonly still: Uint8Array[]
  /** Of the newest frame; undefined on a shot's first frame. */
  age: UncoveredAge | undefined
}

/** A window without frames. */
export function beginWindow(region: Region): SourceWindow {
  return {
    looks: [],
    regions: [],
    backgrounds: region === 'whole' ? undefined : [],
    interior: new Uint8Array(),
    bandInterior: new Uint8Array(),
    motions: [],
    still: [],
    age: undefined,
  }
}

/** Takes the next frame of the source. @param flows From and to the frame before; undefined for the first frame and across a cut. */
export function takeFrame(
  window: SourceWindow,
  look: FrameLook,
  region: Region,
  flows: { readonly forward: Flow; readonly backward: Flow } | undefined,
): void {
  const { width, height } = look
  const mask = regionMask(region, luma(look.soft), width, height)
  const first = window.looks.length === 0
  window.looks.push(look)
  window.regions.push(mask)
  window.backgrounds?.push(dilate(mask, width, height, 4).map((inside) => 1 - inside))
  window.interior = erode(mask, width, height, 2)
  window.bandInterior = erode(mask, width, height, 4)
  if (!first) {
    const motion = flows === undefined ? undefined : pairMotion(flows.forward, flows.backward)
    window.motions.push(motion)
    window.still.push(motion === undefined ? new Uint8Array(width * height) : stillPixels(motion))
    window.age = motion === undefined ? undefined : ageUncovered(window.age, motion)
  }
  if (window.looks.length > 5) {
    window.looks.shift()
    window.regions.shift()
    window.backgrounds?.shift()
    window.motions.shift()
    window.still.shift()
  }
}
