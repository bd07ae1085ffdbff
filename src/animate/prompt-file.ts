import { createHash } from 'node:crypto'
import { OfgenError } from '../errors.ts'
import type { FrameRange, VideoInfo } from '../video/frame-source.ts'
import { checkRange, parseRange } from '../video/range.ts'
import type { FramePrompt } from './frame-prompt.ts'

/** Where a frame stands in the result. */
export interface FramePlace {
  /** Zero-based, as in the names of the frames. */
  readonly frame: number
  /** Seconds on the source's clock. */
  readonly time: number
  /** Zero-based; grows at cuts. */
  readonly shot: number
}

/** Prompts by frame. */
export interface PromptPlan {
  /** Hash of all that decides them. */
  readonly id: string
  /** Every prompt that a frame may have is one of the first with one of the second. */
  readonly prompts: readonly string[]
  readonly negatives: readonly string[]
  promptOf(place: FramePlace): FramePrompt
}

export interface PromptFileOptions {
  /** Named in errors. */
  readonly path: string
  /** What holds for frames that no line names, and what `{prompt}` stands for in a line. */
  readonly base: FramePrompt
  /** What `{style}` stands for. */
  readonly style: string
  /** Refuses a prompt; its message goes into the error for the line. */
  readonly check?: ((text: string) => void) | undefined
  /** The source, where lines that begin after its end are to be refused. */
  readonly info?: VideoInfo | undefined
}

interface Line {
  readonly kind: 'prompt' | 'negative'
  readonly text: string
  readonly covers: (place: FramePlace) => boolean
}

/**
 * Reads a file of prompts for parts of a video. A line is a place, a colon and a prompt; `negative` before the place makes it the negative
 * prompt. Of several lines for a frame the last one counts.
 *
 * ```text
 * # a line that begins with # is a comment
 * all: {prompt}, soft light
 * 0-47: a girl in a field          frames, both ends included
 * 2s..5s: {prompt}, night          seconds or clock times of the source, the end not included
 * shot 2: a windmill               shots as progress counts them, from 1; shot 2-4 for several
 * negative 48-: people             48 and all later ones
 *   , crowd                        a line that begins with a space goes on with the one before
 * ```
 *
 * @throws OfgenError option_invalid that names the file, the line and what is accepted.
 */
export function parsePromptFile(text: string, options: PromptFileOptions): PromptPlan {
  const { path, base, style } = options
  const lines: Line[] = []
  for (const { number, content } of joinedLines(text)) {
    const refuse = (why: string, cause?: unknown): OfgenError =>
      new OfgenError('option_invalid', `${path}, line ${number}: ${why}.`, { hint, ...(cause === undefined ? {} : { cause }) })
    const parts = separated(content)
    if (parts === undefined) throw refuse('there is no place with a colon behind it, such as "0-47: a girl in a field"')
    const [negative, place] = /^negative\s/i.test(parts.place) ? [true, parts.place.slice(9).trim()] : [false, parts.place]
    const prompt = parts.prompt.replaceAll('{prompt}', negative ? base.negative : base.prompt).replaceAll('{style}', style)
    try {
      lines.push({ kind: negative ? 'negative' : 'prompt', text: prompt, covers: coverage(place, options.info) })
      options.check?.(prompt)
    } catch (error) {
      if (!(error instanceof OfgenError)) throw error
      throw refuse(error.message.replace(/\.$/, ''), error)
    }
  }
  if (lines.length === 0) throw new OfgenError('option_invalid', `${path} has no prompts in it.`, { hint })
  const of = (kind: Line['kind']): Line[] => lines.filter((line) => line.kind === kind)
  const [prompts, negatives] = [of('prompt'), of('negative')]
  const last = (among: readonly Line[], place: FramePlace): string | undefined =>
    among.findLast(({ covers }) => covers(place))?.text
  return {
    id: createHash('sha256')
      .update(JSON.stringify([text, base, style]))
      .digest('hex')
      .slice(0, 32),
    prompts: [base.prompt, ...prompts.map((line) => line.text)],
    negatives: [base.negative, ...negatives.map((line) => line.text)],
    promptOf: (place) => ({
      prompt: last(prompts, place) ?? base.prompt,
      negative: last(negatives, place) ?? base.negative,
    }),
  }
}

const hint = 'Lines are PLACE: PROMPT, where PLACE is all, frames (0-47, 48-), times (2s..5s) or a shot (shot 2).'

/** Lines with those that go on with them; comments and empty lines left out. Numbers count from 1. */
function joinedLines(text: string): { number: number; content: string }[] {
  const joined: { number: number; content: string }[] = []
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const before = joined.at(-1)
    if (/^\s/.test(line) && before !== undefined) before.content += ` ${line.trim()}`
    else joined.push({ number: i + 1, content: line.trim() })
  }
  return joined
}

/** At the first colon with a space or nothing behind it, or else the first that is not inside a clock time. */
function separated(line: string): { place: string; prompt: string } | undefined {
  const found = /:(?=\s|$)/.exec(line) ?? /:(?!\d\d[:.\s-])/.exec(line)
  return found === null ? undefined : { place: line.slice(0, found.index).trim(), prompt: line.slice(found.index + 1).trim() }
}

/** @throws OfgenError. */
function coverage(place: string, info: VideoInfo | undefined): Line['covers'] {
  if (/^all$/i.test(place)) return () => true
  const shots = /^shots?\s+(\d+)(\s*-\s*(\d*))?$/i.exec(place)
  if (shots !== null) {
    const [first, last] = ends(shots[1]!, shots[2], shots[3])
    if (first < 1 || last < first) throw new OfgenError('option_invalid', `"${place}" is no shot; they count from 1.`)
    return ({ shot }) => shot + 1 >= first && shot + 1 <= last
  }
  const frames = /^(\d+)(\s*-\s*(\d*))?$/.exec(place)
  if (frames !== null) {
    const [first, last] = ends(frames[1]!, frames[2], frames[3])
    if (last < first) throw new OfgenError('option_invalid', `"${place}" ends before it begins.`)
    return inside({ unit: 'frames', start: first, end: last + 1 }, place, info)
  }
  if (place.includes('..')) return inside(parseRange(place, 'the place'), place, info)
  throw new OfgenError('option_invalid', `"${place}" is no place.`)
}

function ends(first: string, dash: string | undefined, last: string | undefined): [number, number] {
  if (dash === undefined) return [Number(first), Number(first)]
  return [Number(first), last === undefined || last === '' ? Infinity : Number(last)]
}

function inside(range: FrameRange, place: string, info: VideoInfo | undefined): Line['covers'] {
  if (info !== undefined) checkRange(range, info, place)
  const { start, end } = range
  return range.unit === 'frames' ? ({ frame }) => frame >= start && frame < end : ({ time }) => time >= start && time < end
}
