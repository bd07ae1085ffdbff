import type { ControlKind } from '../control/control-map.ts'
import { OfgenError } from '../errors.ts'
import { toFloatImage, type Frame } from '../image/frame.ts'
import type { ControlHint } from '../stable-diffusion/diffusion-model.ts'
import { inSharedMemory } from '../thread-side.ts'
import type { FrameSource } from '../video/frame-source.ts'
import type { Analysis } from './analysis.ts'
import type { DebugWriter } from './animate.ts'
import { contentKey, frameHash } from './content-key.ts'
import type { FootageFrame } from './footage.ts'
import { cropPicture, type Region } from './region.ts'

/** A ControlNet at work in a render. */
export interface FrameControl {
  /** Which of the model's, from 0. */
  readonly net: number
  /** 1 is as it was trained. */
  readonly weight: number
  /** Part of each frame's steps in which it acts, 0..1. */
  readonly from: number
  readonly to: number
  /** What it sees of a frame: a map made of the frame, or the frame in the same place of another source of the same size. */
  readonly maps: ControlKind | FrameSource
}

/** What a ControlNet sees while one picture is painted. */
export interface PaintControl extends ControlHint {
  readonly from: number
  readonly to: number
}

/** What makes the pictures of a render other ones, for content keys; maps from elsewhere are in the frames' hashes. */
export function controlIdentity(controls: readonly FrameControl[]): unknown {
  return controls.map(({ maps, ...control }) => ({ ...control, maps: typeof maps === 'string' ? maps : 'given' }))
}

/**
 * Gives every frame of the footage the maps that come from elsewhere, and makes them part of its hash.
 *
 * @throws OfgenError `video_missing` where a source of maps ends too early.
 */
export async function* withGivenMaps(
  footage: AsyncIterable<FootageFrame>,
  controls: readonly FrameControl[],
  signal: AbortSignal | undefined,
): AsyncGenerator<FootageFrame, void, undefined> {
  const sources = controls.map(({ maps }) => maps).filter((maps) => typeof maps !== 'string')
  const readers = sources.map((source) => source.frames(signal === undefined ? {} : { signal })[Symbol.asyncIterator]())
  try {
    for await (const item of footage) {
      const maps: Frame[] = []
      for (const [i, reader] of readers.entries()) {
        const next = await reader.next()
        if (next.done === true)
          throw new OfgenError(
            'video_missing',
            `The maps ${sources[i]!.info.path} end before frame ${item.frame.index} of the video.`,
            {
              hint: 'Give one map for each frame of the video.',
            },
          )
        maps.push(inSharedMemory(next.value.image))
      }
      yield maps.length === 0 ? item : { ...item, maps, hash: contentKey(item.hash, maps.map(frameHash)) }
    }
  } finally {
    for (const reader of readers) await reader.return?.()
  }
}

/** What the ControlNets see of a frame; worked out when first asked for. */
export type ControlsOf = (item: FootageFrame) => Promise<readonly PaintControl[]>

export function createControls(
  controls: readonly FrameControl[],
  analysis: Pick<Analysis, 'controlMap'>,
  onDebug?: DebugWriter,
): ControlsOf {
  const known = new WeakMap<FootageFrame, Promise<readonly PaintControl[]>>()
  const make = async (item: FootageFrame): Promise<PaintControl[]> => {
    let given = 0
    const made = await Promise.all(
      controls.map(async ({ maps, ...control }) => {
        if (typeof maps !== 'string') return { ...control, image: toFloatImage(item.maps![given++]!) }
        return { ...control, image: await analysis.controlMap(maps, item.frame.image) }
      }),
    )
    for (const [i, { image }] of made.entries()) await onDebug?.(`control${i}`, item.frame.index, { image })
    return made
  }
  return (item) => {
    const made = known.get(item) ?? make(item)
    known.set(item, made)
    return made
  }
}

/**
 * The part of what is seen that lies in a region of latent cells.
 *
 * @param cell Pixels per latent cell along a side.
 */
export function cropControls(controls: readonly PaintControl[], region: Region, cell: number): PaintControl[] {
  return controls.map((control) => ({ ...control, image: cropPicture(control.image, region, cell) }))
}

/** Those that act at a step of so many. */
export function actingAt(controls: readonly PaintControl[], step: number, count: number): PaintControl[] {
  const progress = step / count
  return controls.filter(({ weight, from, to }) => weight !== 0 && progress >= from && progress < to)
}
