import type { Tokenizer } from './tokenizer.ts'

/**
 * A tokenizer that knows further words, each of which becomes ids of its own: triggers of textual inversion. They are found in any
 * case, where no letter or digit touches theirs; of two that fit, the longer one.
 */
export function withWords<T extends Pick<Tokenizer, 'ids'>>(tokenizer: T, words: ReadonlyMap<string, readonly number[]>): T {
  if (words.size === 0) return tokenizer
  const byLower = new Map([...words].map(([word, ids]) => [word.toLowerCase(), ids]))
  const longestFirst = [...byLower.keys()].sort((a, b) => b.length - a.length)
  const pattern = new RegExp(`(${longestFirst.map(bounded).join('|')})`, 'iu')
  return {
    ...tokenizer,
    ids: (text) => text.split(pattern).flatMap((part) => byLower.get(part.toLowerCase()) ?? tokenizer.ids(part)),
  }
}

function bounded(word: string): string {
  const touching = String.raw`[\p{L}\p{N}_]`
  const first = new RegExp(`^${touching}`, 'u').test(word) ? `(?<!${touching})` : ''
  const last = new RegExp(`${touching}$`, 'u').test(word) ? `(?!${touching})` : ''
  return first + word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`) + last
}
