import type { Frame } from '../image/frame.ts'
import type { FrameRecord } from './events.ts'
import type { FrameStore } from './frame-store.ts'
import type { Outbox } from './outbox.ts'

/** Stores finished frames behind the painter's back, one after the other. */
export interface FrameWriter {
  /** Resolves when the frame before has been stored: at most one waits. @throws what storing that one threw. */
  put(record: FrameRecord, image: Frame): Promise<void>
  /** Resolves when all are stored. @throws what storing threw. */
  flush(): Promise<void>
}

/** Reports each frame when it is stored, not before. */
export function createFrameWriter(store: FrameStore, outbox: Outbox): FrameWriter {
  let stored: Promise<void> = Promise.resolve()
  const write = async (record: FrameRecord, image: Frame): Promise<void> => {
    await store.put(record, image)
    const { frame, time, seconds, evaluations } = record
    outbox.put({ type: 'frame', frame, time, kept: false, seconds, evaluations })
  }
  return {
    async put(record, image) {
      await stored
      stored = write(record, image)
      stored.catch(() => undefined)
    },
    flush: () => stored,
  }
}
