import { parseEmphasis } from './emphasis.ts'
import type { Tokenizer } from './tokenizer.ts'

/** As many tokens as a text encoder takes at once. */
export interface Chunk {
  /** Begin, up to `length - 2` ids of the text, end, padding. */
  readonly ids: Int32Array
  /** Of each id; 1 for begin, end and padding. */
  readonly weights: Float32Array
}

/** What chunking needs of a {@link Tokenizer}. */
export type ChunkTokenizer = Pick<Tokenizer, 'bos' | 'eos' | 'pad' | 'length' | 'ids'>

/** How far back a chunk may end before it is full so that a tag stays whole (as in the A1111 web UI). */
const commaReach = 20

/**
 * Cuts a prompt of any length into chunks of 75 tokens, with emphasis as weights, as the A1111 web UI does. A chunk that would break
 * within a tag ends behind its last comma instead, where that is at most 20 tokens back; `BREAK` ends one at once. The vectors of a word of
 * textual inversion stay together.
 *
 * @returns At least one chunk.
 * @throws OfgenError as `parseEmphasis` does.
 */
export function chunkPrompt(prompt: string, tokenizer: ChunkTokenizer): Chunk[] {
  const room = tokenizer.length - 2
  const comma = tokenizer.ids(',')
  return parseEmphasis(prompt).flatMap((section, index, sections) => {
    const ids: number[] = []
    const weights: number[] = []
    for (const { text, weight } of section)
      for (const id of tokenizer.ids(text)) {
        ids.push(id)
        weights.push(weight)
      }
    const chunks: Chunk[] = []
    // What a break ends is a chunk even where it is empty, what ends the prompt is one only where nothing else is.
    const least = index < sections.length - 1 || index === 0 ? 1 : 0
    for (let from = 0; from < ids.length || chunks.length < least;) {
      let end = Math.min(from + room, ids.length)
      if (end < ids.length && comma.length === 1 && ids[end] !== comma[0]) {
        const last = ids.lastIndexOf(comma[0]!, end - 1)
        if (last >= from && end - last <= commaReach) end = last + 1
      }
      end = wholeWord(ids, from, end, tokenizer.eos)
      const whole = wordStart(ids, end, tokenizer)
      if (whole > from) end = whole
      chunks.push(chunk(tokenizer, ids.slice(from, end), weights.slice(from, end)))
      from = end
    }
    return chunks
  })
}

/**
 * Where the word begins that place `end` lies in: words of textual inversion have several ids in a row behind those of the vocabulary,
 * whose last one is `eos`.
 */
function wordStart(ids: readonly number[], end: number, { bos, eos }: ChunkTokenizer): number {
  let start = end
  while (start > 0 && start < ids.length && ids[start - 1]! > Math.max(bos, eos) && ids[start] === ids[start - 1]! + 1) start--
  return start
}

/**
 * An end that does not break a word of textual inversion, whose ids follow each other behind the vocabulary (where the end token is
 * the last); the same end where the word fills the whole chunk.
 */
function wholeWord(ids: readonly number[], from: number, end: number, last: number): number {
  let earlier = end
  while (earlier > from && earlier < ids.length && ids[earlier - 1]! > last && ids[earlier] === ids[earlier - 1]! + 1) earlier--
  return earlier > from ? earlier : end
}

function chunk({ bos, eos, pad, length }: ChunkTokenizer, content: readonly number[], weights: readonly number[]): Chunk {
  const ids = new Int32Array(length).fill(pad)
  ids.set([bos, ...content, eos])
  const all = new Float32Array(length).fill(1)
  all.set(weights, 1)
  return { ids, weights: all }
}
