import type { Frame } from '../image/frame.ts'
import type { FrameRecord } from './events.ts'

/** Where finished frames lie. Implemented by the render folder and by memory; both pass `frame-store.contract.ts`. */
export interface FrameStore {
  /** The finished frame of this number, if it was made of exactly what `key` stands for. */
  find(frame: number, key: string): Promise<Frame | undefined>
  /** Keeps a finished frame. When this resolves it survives a crash. */
  put(record: FrameRecord, image: Frame): Promise<void>
}

/** Frames in memory, for tests and for callers that want no files. */
export class MemoryFrameStore implements FrameStore {
  readonly records: FrameRecord[] = []
  readonly images = new Map<number, Frame>()

  find(frame: number, key: string): Promise<Frame | undefined> {
    const record = this.records.findLast((candidate) => candidate.frame === frame)
    return Promise.resolve(record?.key === key ? this.images.get(frame) : undefined)
  }

  put(record: FrameRecord, image: Frame): Promise<void> {
    this.records.push(record)
    this.images.set(record.frame, image)
    return Promise.resolve()
  }
}
