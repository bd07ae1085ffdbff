import type { FootageFrame } from '../animate/footage.ts'
import type { MadeFrame } from '../animate/smooth.ts'
import { readPng } from '../image/png.ts'

/**
 * Source frames that may wait for the frame made from them. Painting reads three segments of at most 8 frames ahead of what it has made: with
 * fewer than that both sides would wait for each other.
 */
const most = 64

/** What a render that is under way has read and made, as pairs in the order of the source. */
export interface ComingFrames {
  readonly pairs: AsyncIterable<MadeFrame>
  /** A source frame was read. Resolves when the next may be: what is made is used in time, however fast it is made. */
  read(item: FootageFrame): Promise<void>
  /** The frame made from a source frame lies on disk. */
  made(frame: number): void
  /** There will be no more; who waits for one is told why. */
  fail(error: unknown): void
  /** There are no more. */
  end(): void
}

export function comingFrames(framePath: (frame: number) => string): ComingFrames {
  const items: FootageFrame[] = []
  const finished = new Set<number>()
  let end: 'open' | 'ended' | { readonly error: unknown } = 'open'
  let waiting: (() => void)[] = []
  const change = (): void => {
    for (const wake of waiting.splice(0)) wake()
  }
  const changed = (): Promise<void> => new Promise((resolve) => (waiting = [...waiting, resolve]))

  async function* pairs(): AsyncGenerator<MadeFrame, void, undefined> {
    for (;;) {
      const item = items[0]
      if (typeof end === 'object') throw end.error
      if (item !== undefined && finished.delete(item.frame.index)) {
        items.shift()
        change()
        yield { item, image: await readPng(framePath(item.frame.index)) }
      } else if (end === 'ended') return
      else await changed()
    }
  }
  return {
    pairs: pairs(),
    async read(item) {
      items.push(item)
      change()
      while (items.length > most && end === 'open') await changed()
    },
    made(frame) {
      finished.add(frame)
      change()
    },
    fail(error) {
      if (end === 'open') end = { error }
      change()
    },
    end() {
      end = 'ended'
      change()
    },
  }
}
