import type { Neighbour } from '../guidance/smooth-along.ts'
import type { Way } from '../flow/way.ts'
import { OfgenError } from '../errors.ts'
import { toFloatImage, toFrame, type FloatImage, type Frame } from '../image/frame.ts'
import { inSharedMemory } from '../thread-side.ts'
import type { FrameSource } from '../video/frame-source.ts'
import type { Analysis } from './analysis.ts'
import { contentKey, frameHash } from './content-key.ts'
import type { FootageFrame } from './footage.ts'

/** A frame of the source, with its motion, and the frame that was made from it. */
export interface MadeFrame {
  readonly item: FootageFrame
  readonly image: Frame
}

export interface SmoothOptions {
  /** To be closed when the last frame is made. */
  readonly analysis: Analysis
  /** Frames to either side that each is averaged with, at least 1. */
  readonly reach: number
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
  /** To the frame so many before it, of the same shot; worked out when it is first asked for. */
  readonly ways: Map<number, Promise<Way>>
}

/**
 * Steadies frames that were made by any tool: each becomes the mean of its neighbours along the motion of the source. Memory: `2 reach + 1`
 * frames with their flows.
 */
export async function* smooth(
  frames: AsyncIterable<MadeFrame>,
  { analysis, reach }: SmoothOptions,
): AsyncGenerator<SmoothFrame, void, undefined> {
  let shot: Held[] = []
  /** Place in `shot` of the next frame to be made. */
  let next = 0
  const made = (): SmoothFrame => makeFrame(shot, next++, reach, analysis)
  for await (const { item, image } of frames) {
    if (item.motion === undefined) {
      while (next < shot.length) yield made()
      shot = []
      next = 0
    }
    shot.push({ item, image: inSharedMemory(toFloatImage(image)), hash: frameHash(image), ways: new Map() })
    while (next + reach < shot.length) {
      yield made()
      if (next > reach) {
        shot.shift()
        next--
      }
    }
  }
  while (next < shot.length) yield made()
}

/**
 * Every frame of the footage with the one that was made from it.
 *
 * @throws OfgenError option_invalid if there are more or fewer of them.
 */
export async function* paired(
  footage: AsyncIterable<FootageFrame>,
  frames: FrameSource,
  signal?: AbortSignal,
): AsyncGenerator<MadeFrame, void, undefined> {
  const given = frames.frames(signal === undefined ? {} : { signal })[Symbol.asyncIterator]()
  let count = 0
  try {
    for await (const item of footage) {
      const picture = await given.next()
      if (picture.done === true) throw unequal(frames, `${count} frames`, 'more')
      count++
      yield { item, image: picture.value.image }
    }
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

/** The way from a frame of a shot to the one `k` before it. */
function wayBack(shot: readonly Held[], place: number, k: number, analysis: Analysis): Promise<Way> {
  const { item, ways } = shot[place]!
  const find = async (): Promise<Way> => {
    const { backward, forward } = item.motion!
    const neighbour = k === 1 ? undefined : await wayBack(shot, place - 1, k - 1, analysis)
    const far = shot[place - k]!.item.frame.image
    return analysis.extendWay(item.frame.image, far, { flow: backward, home: forward }, neighbour)
  }
  const way = ways.get(k) ?? find()
  ways.set(k, way)
  return way
}

function makeFrame(shot: readonly Held[], place: number, reach: number, analysis: Analysis): SmoothFrame {
  const { item, image } = shot[place]!
  const first = Math.max(0, place - reach)
  // All that is needed, and no more: earlier frames are to be forgotten.
  const around = shot.slice(first, place + reach + 1)
  const own = place - first
  const wayTo = async (n: number): Promise<Way> => {
    if (n < own) return wayBack(around, own, own - n, analysis)
    const back = await wayBack(around, n, n - own, analysis)
    return analysis.turnedWay(around[n]!.item.frame.image, item.frame.image, back)
  }
  const make = async (): Promise<Frame> => {
    const others = around.flatMap((other, n) => (n === own ? [] : [{ other, n }]))
    const neighbours = others.map(async ({ other, n }): Promise<Neighbour> => ({
      image: other.image,
      way: await wayTo(n),
      distance: Math.abs(n - own),
    }))
    return toFrame(await analysis.smoothAlong(image, await Promise.all(neighbours), reach))
  }
  const parts = around.map((held) => [held.item.hash, held.hash])
  const key = contentKey('smooth', reach, own, parts)
  return { index: item.frame.index, time: item.frame.time, shot: item.shot, key, make }
}
