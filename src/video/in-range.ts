import type { FrameRange, FrameSource } from './frame-source.ts'

/** The part of a source as a source of its own. */
export function inRange(source: FrameSource, range: FrameRange): FrameSource {
  const { info } = source
  const whole = range.unit === 'frames' ? info.frameCount : info.duration
  const length = Math.max(0, Math.min(range.end, whole ?? Infinity) - range.start)
  const frameCount = range.unit === 'frames' ? length : Math.round(length * info.frameRate)
  return {
    info: { ...info, frameCount: Number.isFinite(frameCount) ? frameCount : undefined },
    warnings: source.warnings,
    frames: ({ signal } = {}) => source.frames(signal === undefined ? { range } : { range, signal }),
    close: () => source.close(),
  }
}
