import { expect, it } from 'vitest'
import { blankFrame } from '../image/frame.ts'
import type { FrameRecord } from './events.ts'
import type { FrameStore } from './frame-store.ts'
import { createFrameWriter } from './frame-writer.ts'
import { createOutbox } from './outbox.ts'

const record = (frame: number): FrameRecord => ({
  frame,
  time: frame,
  key: `${frame}`,
  shot: 0,
  prompt: '',
  seed: 0,
  evaluations: 0,
  painted: 1,
  seconds: 0,
})
const picture = blankFrame(1, 1)

/** A store whose frames are stored when the test says so. */
function slowStore(): { store: FrameStore; begun: number[]; finish: (error?: Error) => void } {
  const begun: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const store: FrameStore = {
    find: () => Promise.resolve(undefined),
    put: ({ frame }) => {
      begun.push(frame)
      return new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))))
    },
  }
  return { store, begun, finish: (error) => ends.shift()!(error) }
}

it('lets the painter go on while a frame is stored, and reports it only afterwards', async () => {
  const { store, finish } = slowStore()
  const outbox = createOutbox()
  const writer = createFrameWriter(store, outbox)
  await writer.put(record(0), picture)
  expect(outbox.take()).toEqual([])
  finish()
  await outbox.filled()
  expect(outbox.take()).toMatchObject([{ type: 'frame', frame: 0, kept: false }])
})

it('stores one frame after the other', async () => {
  const { store, begun, finish } = slowStore()
  const writer = createFrameWriter(store, createOutbox())
  await writer.put(record(0), picture)
  const second = writer.put(record(1), picture)
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(begun).toEqual([0])
  finish()
  await second
  expect(begun).toEqual([0, 1])
  finish()
  await writer.flush()
})

it('passes on what storing threw, with the next frame or at the end', async () => {
  const { store, finish } = slowStore()
  const writer = createFrameWriter(store, createOutbox())
  await writer.put(record(0), picture)
  finish(new Error('no space'))
  await expect(writer.put(record(1), picture)).rejects.toThrow('no space')
  await expect(writer.flush()).rejects.toThrow('no space')
})
