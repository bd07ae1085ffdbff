import { stat } from 'node:fs/promises'
import { openFfmpegSource } from './ffmpeg/ffmpeg-source.ts'
import { findFfmpeg } from './ffmpeg/find-ffmpeg.ts'
import type { FrameSource } from './frame-source.ts'
import { isImagePath, isPattern, openImageSequence } from './image-sequence/image-sequence.ts'

export interface OpenSourceOptions {
  /** As for `findFfmpeg`; not needed for images. */
  readonly ffmpeg?: string | undefined
  /** Frames per second of an image sequence; default 24. Videos have their own times. */
  readonly frameRate?: number | undefined
  /** What shows through transparent parts of a video, RGB 0..255; default white. (Images: always white.) */
  readonly background?: readonly [number, number, number]
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens what people have: a folder of images, a pattern such as `frames/%06d.png`, a single image, or any video, GIF included.
 *
 * @throws OfgenError `input_missing`, `video_unreadable`, `video_missing`, `image_unreadable`, `ffmpeg_missing`.
 */
export async function openSource(path: string, options: OpenSourceOptions = {}): Promise<FrameSource> {
  const file = await stat(path).catch(() => undefined)
  const images = file === undefined ? isPattern(path) : file.isDirectory() || isImagePath(path)
  if (images) return openImageSequence(path, { frameRate: options.frameRate })
  const { ffmpeg: named, ...rest } = options
  return openFfmpegSource(path, { ...rest, ffmpeg: await findFfmpeg({ ffmpeg: named }) })
}
