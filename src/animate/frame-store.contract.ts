import { expect, test } from 'vitest'
import { blankFrame } from '../image/frame.ts'
import type { FrameRecord } from './events.ts'
import type { FrameStore } from './frame-store.ts'

/** What every FrameStore promises. */
export function frameStoreContract(name: string, open: () => Promise<FrameStore>): void {
  const record = (frame: number, key: string): FrameRecord => ({
    frame,
    time: frame / 12,
    key,
    shot: 0,
    prompt: 'oil painting',
    seed: 1,
    evaluations: 10,
    painted: 1,
    seconds: 1,
  })
  const picture = (value: number) => {
    const image = blankFrame(6, 4)
    image.data.fill(value)
    return image
  }

  test(`${name}: a frame is found again under its key only`, async () => {
    const store = await open()
    expect(await store.find(0, 'a')).toBeUndefined()
    await store.put(record(0, 'a'), picture(7))
    expect((await store.find(0, 'a'))?.data).toEqual(picture(7).data)
    expect(await store.find(0, 'b')).toBeUndefined()
    expect(await store.find(1, 'a')).toBeUndefined()
  })

  test(`${name}: a frame made anew replaces the old one`, async () => {
    const store = await open()
    await store.put(record(3, 'old'), picture(1))
    await store.put(record(3, 'new'), picture(2))
    expect(await store.find(3, 'old')).toBeUndefined()
    expect((await store.find(3, 'new'))?.data).toEqual(picture(2).data)
  })
}
