/** What a render reports while it goes on, in order. Every event is plain JSON. */
export type RenderEvent =
  | {
      readonly type: 'start'
      /** Frames to come, where the source tells. */
      readonly frames: number | undefined
      readonly width: number
      readonly height: number
      readonly output: string
      readonly source: string
      readonly model: string
      readonly method: string
      readonly prompt: string
      /** Frames found finished in the folder from an earlier run. */
      readonly resumed: number
    }
  /** A model is downloaded, before the start: bytes of all its files that are here, and of all. */
  | {
      readonly type: 'download'
      readonly model: string
      readonly file: string
      readonly received: number
      readonly size: number
    }
  /** Another part of the work begins: the frames, the unguided frames for comparison, the video, the measures. */
  | { readonly type: 'stage'; readonly stage: Stage; readonly frames: number | undefined }
  | { readonly type: 'shot'; readonly shot: number; readonly frame: number; readonly time: number }
  /** One network step of a frame is done; `step` counts from 1. */
  | { readonly type: 'step'; readonly frame: number; readonly step: number; readonly steps: number }
  | FrameEvent
  | { readonly type: 'warning'; readonly message: string }
  | { readonly type: 'written'; readonly what: 'frames' | 'video' | 'side-by-side' | 'report'; readonly path: string }

export type Stage = 'paint' | 'smooth' | 'unguided' | 'video' | 'measure'

export interface FrameEvent {
  readonly type: 'frame'
  readonly frame: number
  /** Seconds on the source's clock. */
  readonly time: number
  /** True where a finished frame of an earlier run was taken as it is. */
  readonly kept: boolean
  readonly seconds: number
  readonly evaluations: number
}

/** One line of `frames.jsonl`: how a frame was made. */
export interface FrameRecord {
  readonly frame: number
  readonly time: number
  /** Hash of all that the frame was made of. */
  readonly key: string
  readonly shot: number
  readonly prompt: string
  /** Where frames have prompts of their own. */
  readonly negative?: string | undefined
  readonly seed: number
  /** Mean length of the flow from the previous frame in pixels, and the share of the picture it is trusted on; absent for the first of a shot. */
  readonly motion?: { readonly pixels: number; readonly trusted: number } | undefined
  /** Network evaluations, of the part that was painted; `painted` is its share of the picture, 0..1. */
  readonly evaluations: number
  readonly painted: number
  readonly seconds: number
}
