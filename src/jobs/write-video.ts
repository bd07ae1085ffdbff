import { openVideoSink, type VideoFormat } from '../video/ffmpeg/video-sink.ts'
import type { TimedFrame } from '../video/frame-source.ts'

export interface VideoPlan {
  readonly format: VideoFormat
  readonly crf: number
  readonly frameRate: number
  /** File whose sound goes into the video. */
  readonly audio: string | undefined
  /** True where the frames are a part of the source. */
  readonly excerpt: boolean
  readonly ffmpeg: string | undefined
  readonly signal: AbortSignal | undefined
}

/** Writes frames, in order of time, to a video file. Resolves to what the writer found worth saying. */
export async function writeVideo(frames: AsyncIterable<TimedFrame>, path: string, plan: VideoPlan): Promise<readonly string[]> {
  const sink = await openVideoSink(path, {
    format: plan.format,
    crf: plan.crf,
    frameRate: plan.frameRate,
    soundFrom: plan.audio,
    excerpt: plan.excerpt,
    ffmpeg: plan.ffmpeg,
    signal: plan.signal,
  })
  try {
    for await (const frame of frames) await sink.write(frame)
    await sink.finish()
    return sink.warnings
  } finally {
    await sink.close()
  }
}
