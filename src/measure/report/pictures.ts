import sharp from 'sharp'
import type { Frame } from '../../image/frame.ts'
import { resizeFrame, type Fit } from '../../image/resize.ts'
import type { FrameSource } from '../../video/frame-source.ts'
import { inStep } from '../in-step.ts'
import type { WorstFrame } from '../worst-frames.ts'
import { xtSlice } from '../x-t-slice.ts'

/** Pixels of all pictures in the viewer together: 3 to 5 MB of the page. */
const pixelBudget = 14_500_000

/** Wider pictures are scaled down for the page. */
const widestPicture = 640

const mostSliceRows = 480

/** A frame of the viewer; pictures are data URLs. */
export interface ViewerFrame {
  readonly frame: number
  readonly time: number
  readonly source: string
  readonly result: string
  readonly unguided?: string
}

/** Pictures of the page, as data URLs. */
export interface ReportPictures {
  /** Size of the pictures in the viewer. */
  readonly width: number
  readonly height: number
  readonly viewer: readonly ViewerFrame[]
  readonly slices: readonly { readonly name: string; readonly picture: string }[]
  /** The row of the result the slices show. */
  readonly sliceRow: number
  readonly worst: readonly (WorstFrame & {
    readonly before: string | undefined
    readonly picture: string
    readonly source: string
  })[]
}

/** What the pictures are taken of. */
export interface PictureOptions {
  readonly source: FrameSource
  readonly result: FrameSource
  readonly baseline?: FrameSource | undefined
  readonly frames: number
  readonly width: number
  readonly height: number
  readonly worst: readonly WorstFrame[]
  readonly fit?: Fit | undefined
  readonly signal?: AbortSignal | undefined
}

/** Reads the videos once and takes the pictures that the page needs; only these are kept. */
export async function takePictures(options: PictureOptions): Promise<ReportPictures> {
  const { source, result, baseline, frames, width, height, worst } = options
  const scale = Math.min(1, widestPicture / width)
  const shown = { width: Math.round(width * scale), height: Math.round(height * scale) }
  const names = ['source', 'result', ...(baseline === undefined ? [] : ['unguided'])]
  const wanted = spread(frames, Math.max(4, Math.floor(pixelBudget / (shown.width * shown.height * names.length))))
  for (const { frame } of worst) wanted.add(frame)
  const every = Math.ceil(frames / mostSliceRows)
  const slices = names.map(() => xtSlice(width, Math.ceil(frames / every)))
  const sliceRow = Math.floor(height / 2)
  const viewer: ViewerFrame[] = []
  const worstPictures = new Map<number, { before: string | undefined; picture: string; source: string }>()
  const worstAt = new Set(worst.map((item) => item.frame))
  let before: Frame | undefined

  const videos = [source, result, ...(baseline === undefined ? [] : [baseline])]
  for await (const timed of inStep(videos, { frames: 0, ended: [] }, options.signal)) {
    const index = timed[0]!.index
    if (index >= frames) break
    const sized: Frame[] = []
    for (const { image } of timed) sized.push(await resizeFrame(image, width, height, { fit: options.fit ?? 'fill' }))
    if (index % every === 0) for (const [i, slice] of slices.entries()) slice.add(sized[i]!, sliceRow)
    if (wanted.has(index)) {
      const [sourceUrl, resultUrl, unguided] = await Promise.all(sized.map((frame) => jpegUrl(frame, shown.width, shown.height)))
      viewer.push({
        frame: index,
        time: timed[0]!.time,
        source: sourceUrl!,
        result: resultUrl!,
        ...(unguided === undefined ? {} : { unguided }),
      })
    }
    if (worstAt.has(index)) {
      const small = Math.min(width, 280)
      const tall = Math.round((height * small) / width)
      worstPictures.set(index, {
        before: before === undefined ? undefined : await jpegUrl(before, small, tall),
        picture: await jpegUrl(sized[1]!, small, tall),
        source: await jpegUrl(sized[0]!, small, tall),
      })
    }
    before = sized[1]!
  }
  const order = baseline === undefined ? [0, 1] : [0, 2, 1]
  return {
    ...shown,
    viewer,
    slices: await Promise.all(
      order.map(async (i) => ({ name: names[i]!, picture: await pngUrl(slices[i]!.picture(), Math.min(width, 420)) })),
    ),
    sliceRow,
    worst: worst.flatMap((item) => {
      const pictures = worstPictures.get(item.frame)
      return pictures === undefined ? [] : [{ ...item, ...pictures }]
    }),
  }
}

/** At most `most` whole numbers below `count`, evenly spread, the first and the last among them. */
export function spread(count: number, most: number): Set<number> {
  const n = Math.min(count, most)
  return new Set(Array.from({ length: n }, (_, i) => (n === 1 ? 0 : Math.round((i * (count - 1)) / (n - 1)))))
}

async function jpegUrl(frame: Frame, width: number, height: number): Promise<string> {
  const bytes = await sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .jpeg({ quality: 76, chromaSubsampling: '4:4:4' })
    .toBuffer()
  return `data:image/jpeg;base64,${bytes.toString('base64')}`
}

async function pngUrl(frame: Frame, width: number): Promise<string> {
  const bytes = await sharp(frame.data, { raw: { width: frame.width, height: frame.height, channels: 3 } })
    .resize(width, frame.height, { fit: 'fill' })
    .png({ compressionLevel: 9 })
    .toBuffer()
  return `data:image/png;base64,${bytes.toString('base64')}`
}
