import { type FileHandle, open } from 'node:fs/promises'

/** The shortest delay that viewers keep; they show shorter ones as 100 ms. Hundredths of a second. */
export const shortestDelay = 2

/** A time on GIF's grid, hundredths of a second after the first frame. */
export function gifTick(time: number, first: number): number {
  return Math.round((time - first) * 100)
}

/**
 * Rewrites the delays of a GIF in place, one for each of its frames.
 *
 * @param delays Hundredths of a second, 0..65535.
 * @throws Error if the file is no GIF or has another number of frames.
 */
export async function setGifDelays(path: string, delays: readonly number[]): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = reader(file)
    if ((await byte(0)) !== 0x47 || (await byte(1)) !== 0x49 || (await byte(2)) !== 0x46)
      throw new Error('The file is not a GIF.')
    let at = 13 + tableBytes(await byte(10))
    let frame = 0
    for (;;) {
      const block = await byte(at)
      if (block === 0x3b) break
      if (block === 0x2c) {
        at += 10 + tableBytes(await byte(at + 9)) + 1
      } else if (block === 0x21) {
        if ((await byte(at + 1)) === 0xf9) {
          const delay = delays[frame++] ?? 0
          await file.write(Uint8Array.of(delay & 255, delay >> 8), 0, 2, at + 4)
        }
        at += 2
      } else throw new Error(`The GIF has an unknown block at byte ${at}.`)
      for (let length = await byte(at); length !== 0; length = await byte(at)) at += 1 + length
      at++
    }
    if (frame !== delays.length) throw new Error(`The GIF has ${frame} frames, not ${delays.length}.`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Size of a colour table from the flags that announce it. */
function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1)
}

/** Reads single bytes through a window of 64 KiB. */
function reader(file: FileHandle): (at: number) => Promise<number> {
  const window = new Uint8Array(65536)
  let start = 0
  let length = 0
  return async (at) => {
    if (at < start || at >= start + length) {
      start = at
      length = (await file.read(window, 0, window.length, at)).bytesRead
      if (length === 0) throw new Error('The GIF ends early.')
    }
    return window[at - start]!
  }
}
