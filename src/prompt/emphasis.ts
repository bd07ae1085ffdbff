import { OfgenError } from '../errors.ts'

/** Text that the network is to heed `weight` times as much as plain text. */
export interface WeightedText {
  readonly text: string
  readonly weight: number
}

/**
 * Reads the emphasis of a prompt as the A1111 web UI does: `(word)` weighs 1.1 times as much, `[word]` 1 / 1.1, `(word:1.3)` 1.3; brackets
 * in brackets multiply. What is opened and not closed reaches to the end; what is closed and was not opened is text. A backslash makes the
 * character behind it text. `BREAK` ends a section: what follows begins in a chunk of its own.
 *
 * @returns Sections, at least one; neighbours of equal weight are joined, and no text is empty.
 * @throws OfgenError option_invalid for `AND`, which would be a prompt of its own.
 * @see https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#attentionemphasis
 */
export function parseEmphasis(prompt: string): WeightedText[][] {
  refuseAnd(prompt)
  const pieces: { text: string; weight: number; section: boolean }[] = []
  const round: number[] = []
  const square: number[] = []
  const close = (open: number[], by: number): void => {
    for (let i = open.pop()!; i < pieces.length; i++) pieces[i]!.weight *= by
  }
  const add = (text: string): void => void pieces.push({ text, weight: 1, section: false })

  for (const [token, number] of prompt.matchAll(tokenPattern)) {
    if (token.startsWith('\\')) add(token.slice(1))
    else if (token === '(') round.push(pieces.length)
    else if (token === '[') square.push(pieces.length)
    else if (number !== undefined && round.length > 0) close(round, Number(number))
    else if (token === ')' && round.length > 0) close(round, 1.1)
    else if (token === ']' && square.length > 0) close(square, 1 / 1.1)
    else
      for (const [i, text] of token.split(breakPattern).entries()) {
        if (i > 0) pieces.push({ text: '', weight: 1, section: true })
        add(text)
      }
  }
  while (round.length > 0) close(round, 1.1)
  while (square.length > 0) close(square, 1 / 1.1)

  const sections: { text: string; weight: number }[][] = [[]]
  for (const { text, weight, section } of pieces) {
    const current = sections.at(-1)!
    const before = current.at(-1)
    if (section) sections.push([])
    else if (before?.weight === weight) before.text += text
    else if (text !== '') current.push({ text, weight })
  }
  return sections
}

/** An escaped character, a bracket with or without a weight, plain text, a colon. */
const tokenPattern = /\\[^]?|\(|\[|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|\)|\]|[^\\()[\]:]+|:/gu
const breakPattern = /\s*\bBREAK\b\s*/u

/** @throws OfgenError option_invalid for `AND`. */
function refuseAnd(prompt: string): void {
  if (/(?<!\\)\bAND\b/u.test(prompt))
    throw new OfgenError('option_invalid', `A prompt cannot have AND between prompts that are mixed: ${shortened(prompt)}.`, {
      hint: 'Join the prompts with a comma, or write "and" in small letters.',
    })
}

function shortened(prompt: string): string {
  return JSON.stringify(prompt.length > 60 ? `${prompt.slice(0, 60)}…` : prompt)
}

/** Puts a backslash before every character that {@link parseEmphasis} would take for syntax. */
export function escapeEmphasis(text: string): string {
  return text.replaceAll(/[\\()[\]]/g, String.raw`\$&`)
}
