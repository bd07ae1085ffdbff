import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { writePng } from '../../image/png.ts'
import { writeError } from '../../image/whole-file.ts'
import type { FrameSink } from '../frame-sink.ts'

export interface PngFolderOptions {
  /** File name of frame `n`, zero-based; default `000000.png` and so on. */
  readonly name?: (frame: number) => string
  /** As for `writePng`; default 6. */
  readonly level?: number
}

/**
 * A folder of PNG files, one a frame, numbered in the order written; their times are not kept.
 * While it works the files lie in `<folder>.part`.
 *
 * @param folder Must not exist, or be empty.
 * @throws OfgenError `output_occupied`, `output_unwritable`; writing: `disk_full`, `output_unwritable`.
 */
export async function openPngFolderSink(folder: string, options: PngFolderOptions = {}): Promise<FrameSink> {
  const { name = (frame) => `${String(frame).padStart(6, '0')}.png`, level = 6 } = options
  const part = `${folder}.part`
  const there = await readdir(folder).catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ENOENT') return []
    throw writeError(error, folder)
  })
  if (there.length > 0)
    throw new OfgenError('output_occupied', `The folder ${folder} is not empty.`, {
      hint: 'Give a new folder, or empty this one.',
    })
  const failed = (error: unknown): never => {
    throw writeError(error, folder)
  }
  await rm(part, { recursive: true, force: true }).catch(failed)
  await mkdir(part, { recursive: true }).catch(failed)

  let count = 0
  let last = -Infinity
  let size: { width: number; height: number } | undefined
  let done: Promise<string> | undefined
  return {
    write: async ({ time, image }) => {
      if (done !== undefined) throw new TypeError('The folder is finished; no frame can be added.')
      if (!(time > last)) throw new RangeError(`Frames come in order of time, got ${time} s after ${last} s.`)
      size ??= { width: image.width, height: image.height }
      if (size.width !== image.width || size.height !== image.height)
        throw new RangeError(`All frames are ${size.width}x${size.height}, got ${image.width}x${image.height}.`)
      last = time
      await writePng(join(part, name(count++)), image, { level })
    },
    finish: () =>
      (done ??= (async () => {
        if (count === 0)
          throw new OfgenError('render_failed', `There is no frame for ${folder}.`, {
            hint: 'Choose a range with at least one frame.',
          })
        await rmdir(folder).catch((error: unknown) => {
          if ((error as { code?: unknown }).code !== 'ENOENT') failed(error)
        })
        await rename(part, folder).catch(failed)
        return folder
      })()),
    close: () => rm(part, { recursive: true, force: true }),
  }
}
