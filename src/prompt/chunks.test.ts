import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkPrompt, type ChunkTokenizer } from './chunks.ts'
import { loadTokenizer } from './tokenizer.ts'

const tokenizer = await loadTokenizer(fileURLToPath(new URL('../../assets/clip-tokenizer', import.meta.url)))

/** A token for each letter; `,` is one too. */
const letters: ChunkTokenizer = {
  bos: -1,
  eos: -2,
  pad: 0,
  length: 77,
  ids: (text) => Array.from(text, (letter) => letter.codePointAt(0)!),
}

/** The text of each chunk and how many places it fills. */
function texts(prompt: string): string[] {
  return chunkPrompt(prompt, letters).map(({ ids }) => String.fromCodePoint(...ids.slice(1, ids.indexOf(-2))))
}

describe('chunks', () => {
  it('are the plain ids where a prompt fits one', () => {
    for (const prompt of ['', 'a fox in the snow', 'masterpiece, best quality']) {
      const [only, ...more] = chunkPrompt(prompt, tokenizer)
      expect(more).toEqual([])
      expect(only!.ids).toEqual(tokenizer.encode(prompt))
      expect(only!.weights).toEqual(new Float32Array(77).fill(1))
    }
  })

  it('have a begin and an end each, and are filled up', () => {
    const [first, second] = chunkPrompt('x'.repeat(80), letters)
    expect([first!.ids[0], first!.ids[76], second!.ids[0], second!.ids[6], second!.ids[7], second!.ids[76]]).toEqual([
      -1, -2, -1, -2, 0, 0,
    ])
  })

  it('keep a word of textual inversion whole where a chunk ends, if it fits one', () => {
    const words: ChunkTokenizer = {
      ...letters,
      eos: 49407,
      ids: (text) =>
        Array.from(text).flatMap((letter) => (letter === 'W' ? [50000, 50001, 50002, 50003] : [letter.codePointAt(0)!])),
    }
    const rows = chunkPrompt('x'.repeat(73) + 'Wy', words).map(({ ids }) => Array.from(ids.slice(1, ids.indexOf(49407))))
    expect(rows.map((row) => row.length)).toEqual([73, 5])
    expect(rows[1]).toEqual([50000, 50001, 50002, 50003, 121])
    const long = { ...words, ids: () => Array.from({ length: 80 }, (_, i) => 50000 + i) }
    expect(chunkPrompt('W', long)).toHaveLength(2)
  })

  it('end behind the last comma that is at most 20 tokens back', () => {
    const at = (comma: number): number => texts('x'.repeat(comma) + ',' + 'y'.repeat(99 - comma))[0]!.length
    expect([at(54), at(55), at(60), at(74), at(75)]).toEqual([75, 56, 61, 75, 75])
  })

  it('end at BREAK', () => {
    expect(texts('a BREAK b')).toEqual(['a', 'b'])
    expect(texts('a BREAK')).toEqual(['a'])
    expect(texts('BREAK a')).toEqual(['', 'a'])
    expect(texts('a BREAK BREAK b')).toEqual(['a', '', 'b'])
    expect(texts('x'.repeat(75) + ' BREAK b')).toEqual(['x'.repeat(75), 'b'])
  })

  it('carry the weight of each token', () => {
    const [first, second] = chunkPrompt('aa(b:2)' + 'x'.repeat(73) + '[y]', letters)
    expect(Array.from(first!.weights.slice(0, 6))).toEqual([1, 1, 1, 2, 1, 1])
    expect(second!.weights[1]).toBe(1)
    expect(second!.weights[2]).toBeCloseTo(1 / 1.1, 6)
    expect(second!.weights[3]).toBe(1)
  })

  it('keep the vectors of an added word together', () => {
    const added: ChunkTokenizer = {
      ...letters,
      eos: 1000,
      ids: (text) => letters.ids(text).flatMap((id) => (id === 64 ? [1001, 1002, 1003] : [id])),
    }
    const filled = (prompt: string): number[] => chunkPrompt(prompt, added).map(({ ids }) => ids.indexOf(1000) - 1)
    expect(filled('x'.repeat(72) + '@')).toEqual([75])
    expect(filled('x'.repeat(73) + '@')).toEqual([73, 3])
    expect(filled('x'.repeat(74) + '@ b')).toEqual([74, 5])
    expect(filled('x'.repeat(73) + '@@')).toEqual([73, 6])
    expect(filled('@'.repeat(60))).toEqual([75, 75, 30])
  })

  it('lose nothing and are never too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ','), maxLength: 400 }), (prompt) => {
        const parts = texts(prompt)
        expect(parts.join('')).toBe(prompt)
        for (const part of parts) expect(part.length).toBeLessThanOrEqual(75)
        for (const part of parts.slice(0, -1)) expect(part.length).toBeGreaterThanOrEqual(55)
      }),
    )
  })

  it('end behind a comma of real tokens too', () => {
    const text = `${'cat, '.repeat(35)}very very very very very very very long tag`
    const [first, second] = chunkPrompt(text, tokenizer)
    expect(first!.ids.indexOf(tokenizer.eos)).toBe(71)
    expect(first!.ids[70]).toBe(tokenizer.ids(',')[0])
    expect([...second!.ids.subarray(1, 10)]).toEqual(tokenizer.ids('very very very very very very very long tag'))
    const [full] = chunkPrompt(`cat, ${'dog '.repeat(100)}`, tokenizer)
    expect(full!.ids.indexOf(tokenizer.eos)).toBe(76)
  })
})
