import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { OfgenError } from '../errors.ts'
import { byteSymbols, readVocabulary, type Vocabulary } from './vocabulary.ts'

/** CLIP's byte-level BPE, as the text encoders of Stable Diffusion were trained with. */
export interface Tokenizer {
  readonly bos: number
  readonly eos: number
  /** What fills up behind the eos: the eos itself for SD1.5 and SDXL's first encoder, id 0 ("!") for SD2 and SDXL's second. */
  readonly pad: number
  /** Ids a text encoder takes at once, bos and eos included: 77. */
  readonly length: number
  /** Ids of a text without bos, eos and padding; any number of them. */
  ids(text: string): number[]
  /** `length` ids: bos, at most `length - 2` ids of the text (the rest is cut off), eos, padding. */
  encode(text: string): Int32Array
}

/**
 * Reads a tokenizer folder: `vocab.json` with `merges.txt`, or a `tokenizer.json` that has both, and the names of the
 * special tokens from `special_tokens_map.json` and `tokenizer_config.json`, each of which may be missing.
 *
 * A special token that stands in a prompt is taken as that token. A padding "!" is not: in a prompt it stays text.
 *
 * @throws OfgenError model_missing if there is no vocabulary, model_invalid if a file is damaged or a special token is
 *   not in the vocabulary.
 */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  const [vocabulary, map, config] = await Promise.all([
    readVocabulary(dir),
    readSettings(join(dir, 'special_tokens_map.json')),
    readSettings(join(dir, 'tokenizer_config.json')),
  ])
  // Where both files name a token the map counts: SD2 has its "!" only there.
  const settings = { ...config, ...map }
  const special = (token: string): number => {
    const id = vocabulary.ids.get(token)
    if (id === undefined) throw new OfgenError('model_invalid', `The tokenizer in ${dir} has no token "${token}".`)
    return id
  }
  const bosToken = settings.bos_token ?? '<|startoftext|>'
  const eosToken = settings.eos_token ?? '<|endoftext|>'
  return createTokenizer(vocabulary, {
    specials: new Map([bosToken, eosToken].map((token) => [token, special(token)])),
    bos: special(bosToken),
    eos: special(eosToken),
    pad: special(settings.pad_token ?? eosToken),
    // Newer files say 1e30 where they mean "no limit".
    length: settings.model_max_length !== undefined && settings.model_max_length < 1e6 ? settings.model_max_length : 77,
    lowerCase: settings.do_lower_case ?? true,
  })
}

interface TokenizerSettings {
  /** Tokens that stand for themselves in a text, and their ids. */
  readonly specials: ReadonlyMap<string, number>
  readonly bos: number
  readonly eos: number
  readonly pad: number
  readonly length: number
  readonly lowerCase: boolean
}

function createTokenizer(vocabulary: Vocabulary, settings: TokenizerSettings): Tokenizer {
  const { specials, bos, eos, pad, length, lowerCase } = settings
  const specialPattern = new RegExp(`(${[...specials.keys()].map(escapePattern).join('|')})`, 'u')
  const known = new Map<string, readonly number[]>()

  const wordIds = (word: string): readonly number[] => {
    const cached = known.get(word)
    if (cached !== undefined) return cached
    const parts = mergePairs(byteSymbols(word), vocabulary.ranks)
    const result = parts.map((part) => {
      const id = vocabulary.ids.get(part)
      if (id === undefined) throw new OfgenError('model_invalid', `The vocabulary lacks "${part}", which its merges make.`)
      return id
    })
    known.set(word, result)
    return result
  }

  const ids = (text: string): number[] => {
    const result: number[] = []
    for (const part of text.split(specialPattern)) {
      const id = specials.get(part)
      if (id !== undefined) result.push(id)
      else for (const [word] of normalize(part, lowerCase).matchAll(wordPattern)) result.push(...wordIds(word))
    }
    return result
  }

  const row = (content: readonly number[]): Int32Array => {
    const out = new Int32Array(length).fill(pad)
    out.set([bos, ...content, eos])
    return out
  }

  return { bos, eos, pad, length, ids, encode: (text) => row(ids(text).slice(0, length - 2)) }
}

/** Contractions, runs of letters, single digits, runs of anything else that is not space. */
const wordPattern = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu

/** Lower case is taken letter by letter: a sigma at a word's end is not the final one. */
function normalize(text: string, lowerCase: boolean): string {
  const composed = text.normalize('NFC')
  return lowerCase ? Array.from(composed, (letter) => letter.toLowerCase()).join('') : composed
}

/** Joins, again and again, the neighbours that were learned first. */
function mergePairs(symbols: string[], ranks: ReadonlyMap<string, number>): string[] {
  while (symbols.length > 1) {
    let best = Infinity
    let at = -1
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = ranks.get(`${symbols[i]} ${symbols[i + 1]}`)
      if (rank !== undefined && rank < best) {
        best = rank
        at = i
      }
    }
    if (at < 0) break
    symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!)
  }
  return symbols
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}

const tokenName = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((name) => name ?? undefined)

const settingsFile = z.object({
  bos_token: tokenName,
  eos_token: tokenName,
  pad_token: tokenName,
  model_max_length: z.number().min(3).optional(),
  do_lower_case: z.boolean().optional(),
})

async function readSettings(path: string): Promise<Partial<z.infer<typeof settingsFile>>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new OfgenError('model_invalid', `${path} cannot be read.`, { cause: error })
  }
  try {
    const settings = settingsFile.parse(JSON.parse(text))
    return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  } catch (cause) {
    throw new OfgenError('model_invalid', `${path} is no tokenizer configuration.`, { cause })
  }
}
