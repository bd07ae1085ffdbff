import type { Frame } from '../image/frame.ts'

/** A frame with its place in time. */
export interface TimedFrame {
  /** Zero-based position among the frames that the source yields (after range and rate were applied). */
  readonly index: number
  /** Presentation time in seconds on the source's own clock, exact to its time base. */
  readonly time: number
  readonly image: Frame
}

/** What is known of a source before its frames are read. */
export interface VideoInfo {
  /** The path or pattern as the user gave it. */
  readonly path: string
  /** Sides in pixels as a viewer sees them: after rotation, and with square pixels. */
  readonly width: number
  readonly height: number
  /** Mean frames per second; image folders have the rate they were opened with. */
  readonly frameRate: number
  /** Seconds, where the container tells. */
  readonly duration: number | undefined
  /** Frames, where known without decoding (image sequences) or estimated from duration and rate. */
  readonly frameCount: number | undefined
  readonly hasAudio: boolean
  readonly hasAlpha: boolean
  /** Short technical description for people, for example `h264, 1280x720, 25 fps, aac`. */
  readonly description: string
}

/** Part of a source: by time in seconds or by frame number; `end` is exclusive, both ends optional. */
export interface FrameRange {
  readonly unit: 'seconds' | 'frames'
  readonly start: number
  readonly end: number
}

/**
 * Something that yields frames in order, with their times.
 * Every implementation passes `frame-source.contract.ts`.
 */
export interface FrameSource {
  readonly info: VideoInfo
  /**
   * Reads the frames, each time from the beginning of the range. Backpressure holds the decoder; leaving the loop early stops it.
   * A file that is cut yields the frames that exist, and `warnings` then says at which frame it ended.
   */
  frames(options?: { range?: FrameRange; signal?: AbortSignal }): AsyncIterable<TimedFrame>
  /** Sentences for the user about what was found odd while reading; grows during `frames()`. */
  readonly warnings: readonly string[]
  close(): Promise<void>
}
