import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DebugWriter } from '../animate/animate.ts'
import { flowPicture } from '../flow/color-wheel.ts'
import { toFrame, type Frame } from '../image/frame.ts'
import { writePlanePng, writePng } from '../image/png.ts'

/** Writes the pictures of `--debug` into `debug/` of a render's folder: `raw_000012.png`, `warped_`, `weight_`, `flow_`. */
export function debugWriter(folder: string): DebugWriter {
  return async (name, frame, content) => {
    await mkdir(join(folder, 'debug'), { recursive: true })
    const path = join(folder, 'debug', `${name}_${String(frame).padStart(6, '0')}.png`)
    if ('plane' in content) await writePlanePng(path, content.plane)
    else if ('flow' in content) await writePng(path, flowPicture(content.flow))
    else
      await writePng(path, content.image.data instanceof Uint8Array ? (content.image as Frame) : toFrame(content.image as never))
  }
}
