import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { FrameRange, FrameSource, TimedFrame } from './frame-source.ts'

export interface OpenedSource {
  readonly source: FrameSource
  /** How many frames it has; at least 5. */
  readonly count: number
  /** How far the announced number of frames may be off; default 2 (it is an estimate for videos, and rough for variable rates). */
  readonly within?: number
}

/** What every FrameSource promises. `open` is called for each test. */
export function testFrameSource(name: string, open: () => Promise<OpenedSource>): void {
  describe(`${name} as a frame source`, () => {
    const opened: FrameSource[] = []
    const make = async (): Promise<OpenedSource> => {
      const made = await open()
      opened.push(made.source)
      return made
    }
    afterEach(async () => {
      for (const source of opened.splice(0)) await source.close()
    })

    test('yields all frames, numbered from 0, in order of time, in the size it announces', async () => {
      const { source, count, within = 2 } = await make()
      const frames = await read(source)
      expect(frames.length).toBe(count)
      expect(frames.map((frame) => frame.index)).toEqual(frames.map((_, i) => i))
      for (let i = 1; i < count; i++) expect(frames[i]!.time).toBeGreaterThan(frames[i - 1]!.time)
      for (const { image } of frames) {
        expect([image.width, image.height]).toEqual([source.info.width, source.info.height])
        expect(image.data.length).toBe(image.width * image.height * 3)
      }
      expect(Math.abs((source.info.frameCount ?? count) - count)).toBeLessThanOrEqual(within)
    })

    test('yields the same again when read again, and frames may be kept', async () => {
      const { source } = await make()
      const first = await read(source)
      const hashes = first.map(hash)
      const second = await read(source)
      expect(second.map((frame) => frame.time)).toEqual(first.map((frame) => frame.time))
      expect(second.map(hash)).toEqual(hashes)
      expect(first.map(hash)).toEqual(hashes)
      expect(new Set(hashes).size).toBeGreaterThan(1)
    })

    test('a range of frame numbers is a slice of all frames', async () => {
      const { source, count } = await make()
      const all = await read(source)
      for (const [start, end] of [
        [0, 1],
        [1, 3],
        [count - 2, Infinity],
      ] as const)
        expect((await read(source, { unit: 'frames', start, end })).map(asText)).toEqual(all.slice(start, end).map(asText))
    })

    test('a range of seconds counts from the first frame, with the end left out', async () => {
      const { source, count } = await make()
      const all = await read(source)
      const after = (i: number): number => all[i]!.time - all[0]!.time
      const between = (after(1) + after(2)) / 2
      for (const [start, end, from, to] of [
        [after(1), after(3), 1, 3],
        [between, between + (after(count - 1) - between) / 2, 2, undefined],
        [0, after(2), 0, 2],
        [after(count - 1), Infinity, count - 1, count],
      ] as const) {
        const expected = to === undefined ? all.filter((_, i) => after(i) >= start && after(i) < end) : all.slice(from, to)
        const got = await read(source, { unit: 'seconds', start, end })
        expect(got.map(asText)).toEqual(expected.map(asText))
        expect(got.map((frame) => frame.index)).toEqual(got.map((_, i) => i))
      }
    })

    test('a range after the end yields nothing', async () => {
      const { source, count } = await make()
      expect(await read(source, { unit: 'frames', start: count, end: Infinity })).toEqual([])
      expect(await read(source, { unit: 'seconds', start: 1e5, end: Infinity })).toEqual([])
    })

    test('can be left early, and read again after that', async () => {
      const { source, count } = await make()
      for await (const frame of source.frames()) {
        expect(frame.index).toBe(0)
        break
      }
      expect((await read(source)).length).toBe(count)
    })

    test('an aborted signal ends the reading with its reason', async () => {
      const { source } = await make()
      const abort = new AbortController()
      const seen: number[] = []
      const reading = (async () => {
        for await (const frame of source.frames({ signal: abort.signal })) {
          seen.push(frame.index)
          abort.abort()
        }
      })()
      await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
      expect(seen).toEqual([0])
      await expect(source.frames({ signal: abort.signal })[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        name: 'AbortError',
      })
    })
  })
}

async function read(source: FrameSource, range?: FrameRange): Promise<TimedFrame[]> {
  const frames: TimedFrame[] = []
  for await (const frame of source.frames(range ? { range } : {})) frames.push(frame)
  return frames
}

function hash(frame: TimedFrame): string {
  return createHash('sha1').update(frame.image.data).digest('hex')
}

function asText(frame: TimedFrame): string {
  return `${frame.time.toFixed(7)} ${hash(frame)}`
}
