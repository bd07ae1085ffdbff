import type { Neighbour } from '../guidance/smooth-along.ts'
import type { FlowEstimator } from '../flow/flow.ts'
import type { Way } from '../flow/way.ts'
import { OfgenError } from '../errors.ts'
import { toFloatImage, toFrame, type FloatImage, type Frame } from '../image/frame.ts'
import { inSharedMemory } from '../thread-side.ts'
import type { FrameSource } from '../video/frame-source.ts'
import type { Analysis } from './analysis.ts'
import { contentKey, frameHash } from './content-key.ts'
import { readFootage, type FootageFrame } from './footage.ts'

export interface SmoothOptions {
  /** The video that the frames were made from, at their size. */
  readonly source: FrameSource
  /** The frames, one for each of the source. */
  readonly frames: FrameSource
  readonly flow: FlowEstimator
  /** To be closed when the last frame is made. */
  readonly analysis: Analysis
  /** Frames to either side that each is averaged with, at least 1. */
  readonly reach: number
  readonly signal?: AbortSignal | undefined
}

export interface SmoothFrame {
  readonly index: number
  readonly time: number
  readonly shot: number
  /** Hash of all that the frame is made of. */
  readonly key: string
  /** Makes the frame; until it is called, nothing is computed but the flow. */
  readonly make: () => Promise<Frame>
}

interface Held {
  readonly item: FootageFrame
  readonly image: FloatImage
  readonly hash: string
  /** To the frame `k` before it, of the same shot; worked out when it is first asked for. */
  readonly wayBack: (k: number) => Promise<Way>
}

/**
 * Steadies frames that were made by any tool: each becomes the mean of its neighbours along the motion of the source. Memory: `2 reach + 1`
 * frames with their flows.
 *
 * @throws OfgenError option_invalid if there are more or fewer frames than the source has.
 */
export async function* smooth(options: SmoothOptions): AsyncGenerator<SmoothFrame, void, undefined> {
  const { source, frames, flow, analysis, reach, signal } = options
  const given = frames.frames(signal === undefined ? {} : { signal })[Symbol.asyncIterator]()
  try {
    let shot: Held[] = []
    /** Place in `shot` of the next frame to be made. */
    let next = 0
    const made = (): SmoothFrame => makeFrame(shot, next++, reach, analysis)
    let count = 0
    for await (const item of readFootage(source, { flow, analysis, signal })) {
      const picture = await given.next()
      if (picture.done === true) throw unequal(frames, `${count} frames`, 'more')
      count++
      if (item.motion === undefined) {
        while (next < shot.length) yield made()
        shot = []
        next = 0
      }
      shot.push(hold(item, picture.value.image, shot.slice(-reach), analysis))
      while (next + reach < shot.length) {
        yield made()
        if (next > reach) {
          shot.shift()
          next--
        }
      }
    }
    while (next < shot.length) yield made()
    if ((await given.next()).done !== true) throw unequal(frames, 'more frames', `${count}`)
  } finally {
    await given.return?.()
  }
}

function unequal(frames: FrameSource, has: string, wanted: string): OfgenError {
  return new OfgenError(
    'option_invalid',
    `${frames.info.path} has ${has}, the source ${wanted}: each frame needs its source frame.`,
    {
      hint: 'If the frames are a part of the source, name it with --range, for example --range 2s..5s.',
    },
  )
}

/** @param before The frames before it that ways may lead to, in order. */
function hold(item: FootageFrame, image: Frame, before: readonly Held[], analysis: Analysis): Held {
  const ways = new Map<number, Promise<Way>>()
  const find = async (k: number): Promise<Way> => {
    const far = before.at(-k)!.item.frame.image
    const { backward, forward } = item.motion!
    const neighbour = k === 1 ? undefined : await before.at(-1)!.wayBack(k - 1)
    return analysis.extendWay(item.frame.image, far, { flow: backward, home: forward }, neighbour)
  }
  const wayBack = (k: number): Promise<Way> => {
    const way = ways.get(k) ?? find(k)
    ways.set(k, way)
    return way
  }
  return { item, image: inSharedMemory(toFloatImage(image)), hash: frameHash(image), wayBack }
}

function makeFrame(shot: readonly Held[], place: number, reach: number, analysis: Analysis): SmoothFrame {
  const own = shot[place]!
  const { item, image } = own
  const first = Math.max(0, place - reach)
  const around = shot.slice(first, place + reach + 1)
  const make = async (): Promise<Frame> => {
    const neighbours = around.flatMap((other, n) => {
      const distance = Math.abs(first + n - place)
      if (distance === 0) return []
      const way = first + n < place ? own.wayBack(distance) : wayOn(other, distance)
      return [way.then((found): Neighbour => ({ image: other.image, way: found, distance }))]
    })
    return toFrame(await analysis.smoothAlong(image, await Promise.all(neighbours), reach))
  }
  const wayOn = async (later: Held, distance: number): Promise<Way> =>
    analysis.turnedWay(later.item.frame.image, item.frame.image, await later.wayBack(distance))
  const parts = around.map((held) => [held.item.hash, held.hash])
  const key = contentKey('smooth', reach, place - first, parts)
  return { index: item.frame.index, time: item.frame.time, shot: item.shot, key, make }
}
