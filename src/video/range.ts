import { OfgenError } from '../errors.ts'
import type { FrameRange, VideoInfo } from './frame-source.ts'

/**
 * Reads a range as people write it: `2s..5s`, `2s..`, `..5s`, `00:01:02.5..00:01:10` (times, counted from the first frame),
 * `30..90`, `30..`, `..90` (frame numbers from 0). The end is not part of it. One end with a unit gives it to the other: `2..5s`.
 *
 * @param option The name of the option for the error.
 * @throws OfgenError `option_invalid` that names the option and the accepted forms.
 */
export function parseRange(text: string, option = '--range'): FrameRange {
  const refuse = (why: string): OfgenError =>
    new OfgenError('option_invalid', `${option} ${text}: ${why}.`, {
      hint: 'Write seconds (2s..5s, 2s.., ..5s), clock times (00:01:02.5..00:01:10) or frame numbers (30..90).',
    })
  const ends = text.split('..')
  if (ends.length !== 2) throw refuse('a range is FROM..TO')
  const [from, to] = ends.map((end) => end.trim()) as [string, string]
  if (from === '' && to === '') throw refuse('at least one end is needed')
  const seconds = [from, to].some((end) => /[s:]/.test(end))
  const start = from === '' ? 0 : seconds ? parseTime(from) : parseNumber(from)
  const end = to === '' ? Infinity : seconds ? parseTime(to) : parseNumber(to)
  if (start === undefined || end === undefined)
    throw refuse(`"${start === undefined ? from : to}" is neither seconds, a clock time nor a frame number`)
  if (!(start < end)) throw refuse('the end must lie after the start')
  return { unit: seconds ? 'seconds' : 'frames', start, end }
}

/**
 * Refuses a range of which nothing lies in the video, where the video's length is known.
 *
 * @throws OfgenError `option_invalid`.
 */
export function checkRange(range: FrameRange, info: VideoInfo, option = '--range'): void {
  const length = range.unit === 'seconds' ? info.duration : info.frameCount
  // An estimated length may be a little short.
  if (length === undefined || range.start < length * 1.05 + (range.unit === 'seconds' ? 0.5 : 5)) return
  const unit = range.unit === 'seconds' ? ' s' : ' frames'
  throw new OfgenError(
    'option_invalid',
    `${option} begins at ${range.start}${range.unit === 'seconds' ? ' s' : ''}, after the end of ${info.path} (${Number(length.toFixed(2))}${unit}).`,
    { hint: 'Choose a range inside the video.' },
  )
}

function parseTime(text: string): number | undefined {
  const match = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?|\.\d+)s?$/.exec(text)
  if (!match) return undefined
  const [, hours = '0', minutes = '0', seconds] = match
  if (match[2] !== undefined && Number(seconds) >= 60) return undefined
  if (match[1] !== undefined && Number(minutes) >= 60) return undefined
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}

function parseNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined
}
