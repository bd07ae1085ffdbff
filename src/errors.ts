/** What went wrong, as a stable name that programs may test. The first group is found before work begins. */
export type ErrorCode =
  | 'option_invalid'
  | 'input_missing'
  | 'video_unreadable'
  | 'video_missing'
  | 'image_unreadable'
  | 'ffmpeg_missing'
  | 'model_missing'
  | 'model_invalid'
  | 'schedule_invalid'
  | 'output_occupied'
  | 'output_unwritable'
  | 'disk_full'
  | 'download_failed'
  | 'engine_failed'
  | 'render_failed'

const foundBeforeWork: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'option_invalid',
  'input_missing',
  'video_unreadable',
  'video_missing',
  'image_unreadable',
  'ffmpeg_missing',
  'model_missing',
  'model_invalid',
  'schedule_invalid',
  'output_occupied',
  'output_unwritable',
])

/**
 * The one error class of ofgen. `message` is one sentence that names the file or option and what is accepted;
 * `hint` is one sentence that says what to do.
 */
export class OfgenError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'OfgenError'
    this.code = code
    this.hint = options.hint
  }

  /** Exit code of the command line: 2 where nothing was begun, 1 for failures on the way. */
  get exitCode(): 1 | 2 {
    return foundBeforeWork.has(this.code) ? 2 : 1
  }
}

/** True for the rejection that a cancelled `AbortSignal` causes, wherever it surfaced. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || (error as { code?: unknown }).code === 'ABORT_ERR')
}
