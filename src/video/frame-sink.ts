import type { TimedFrame } from './frame-source.ts'

/** Takes finished frames in order of time. Nothing exists under the final name until `finish()` resolves. */
export interface FrameSink {
  write(frame: TimedFrame): Promise<void>
  /** Completes the file (flush, audio, rename). Resolves to the path written. */
  finish(): Promise<string>
  /** Gives up: stops what runs and removes what is unfinished. Safe after `finish()`. */
  close(): Promise<void>
}
