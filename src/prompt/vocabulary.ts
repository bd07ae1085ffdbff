import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { OfgenError } from '../errors.ts'

/** The tokens of a byte-pair encoding and the order in which it learned to join them. */
export interface Vocabulary {
  readonly ids: ReadonlyMap<string, number>
  /** `left right` to its place in the list of merges: lower is joined first. */
  readonly ranks: ReadonlyMap<string, number>
}

/**
 * Reads `vocab.json` and `merges.txt` of a folder, or where they are missing `tokenizer.json`.
 *
 * @throws OfgenError model_missing if there is neither, model_invalid if one is damaged.
 */
export async function readVocabulary(dir: string): Promise<Vocabulary> {
  const vocabPath = join(dir, 'vocab.json')
  const mergesPath = join(dir, 'merges.txt')
  const [vocab, merges] = await Promise.all([readIfThere(vocabPath), readIfThere(mergesPath)])
  if (vocab !== undefined && merges !== undefined)
    return vocabulary(parse(vocabPath, vocabFile, vocab), merges.replace(/^#version.*\n/, '').split(/\r?\n/))
  const path = join(dir, 'tokenizer.json')
  const both = await readIfThere(path)
  if (both === undefined)
    throw new OfgenError(
      'model_missing',
      `The tokenizer folder ${dir} has neither vocab.json with merges.txt nor tokenizer.json.`,
      {
        hint: 'Copy the tokenizer folder of the model, or of any model of its family, there.',
      },
    )
  const { model, added_tokens: added } = parse(path, tokenizerFile, both)
  const ids = { ...model.vocab, ...Object.fromEntries(added.map(({ content, id }) => [content, id])) }
  return vocabulary(
    ids,
    model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' '))),
  )
}

/** The symbols a word begins as: a printable stand-in for each of its UTF-8 bytes, the last one marked as the word's end. */
export function byteSymbols(word: string): string[] {
  const symbols = Array.from(utf8.encode(word), (byte) => standIns[byte]!)
  symbols[symbols.length - 1] += '</w>'
  return symbols
}

const utf8 = new TextEncoder()

/** Bytes that Latin-1 prints stand for themselves, the others for the letters from U+0100 on (GPT-2's table). */
const standIns: readonly string[] = (() => {
  const prints = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++))
})()

const vocabFile = z.record(z.string(), z.number().int().nonnegative())

const tokenizerFile = z.object({
  model: z.object({ vocab: vocabFile, merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])) }),
  added_tokens: z.array(z.object({ content: z.string(), id: z.number().int().nonnegative() })).default([]),
})

function vocabulary(ids: Readonly<Record<string, number>>, merges: readonly string[]): Vocabulary {
  const ranks = new Map<string, number>()
  for (const pair of merges) if (pair !== '') ranks.set(pair, ranks.size)
  return { ids: new Map(Object.entries(ids)), ranks }
}

function parse<T>(path: string, schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new OfgenError('model_invalid', `${path} is no CLIP vocabulary.`, { cause })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new OfgenError('model_invalid', `${path} cannot be read.`, { cause: error })
  }
}
