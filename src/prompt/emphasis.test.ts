import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OfgenError } from '../errors.ts'
import { escapeEmphasis, parseEmphasis } from './emphasis.ts'

/** Text, weight, text, weight… of a prompt without BREAK. */
function flat(prompt: string): (string | number)[] {
  const sections = parseEmphasis(prompt)
  expect(sections).toHaveLength(1)
  return sections[0]!.flatMap(({ text, weight }) => [text, Number(weight.toFixed(6))])
}

describe('emphasis', () => {
  // Cases as the web UI's wiki and its parser's documentation state them, and what follows from its rules.
  it.each([
    ['normal text', ['normal text', 1]],
    ['an (important) word', ['an ', 1, 'important', 1.1, ' word', 1]],
    ['(unbalanced', ['unbalanced', 1.1]],
    [String.raw`\(literal\]`, ['(literal]', 1]],
    ['(unnecessary)(parens)', ['unnecessaryparens', 1.1]],
    [
      'a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).',
      ['a ', 1, 'house', 1.573, ' ', 1.1, 'on', 1, ' a ', 1.1, 'hill', 0.55, ', sun, ', 1.1, 'sky', 1.4641, '.', 1.1],
    ],
    ['(a (b:2):-.5) c', ['a ', -0.5, 'b', -1, ' c', 1]],
    ['(a:b:1.2)', ['a:b', 1.2]],
    ['( a : 1.5 )', [' a ', 1.5]],
    ['a:1.5) b]', ['a:1.5) b]', 1]],
    ['(a:1.2.3)', ['a:1.2.3', 1.1]],
    [String.raw`a \\ b \c \(d:2\)`, [String.raw`a \ b c (d:2)`, 1]],
    ['end\\', ['end', 1]],
    ['', []],
    ['()', []],
    ['[[a]]', ['a', 0.826446]],
  ])('reads %s', (prompt, expected) => {
    expect(flat(prompt)).toEqual(expected)
  })

  it('takes BREAK for the end of a section, with the space around it', () => {
    expect(parseEmphasis('a, BREAK (b BREAK c:2) BREAKS')).toEqual([
      [{ text: 'a,', weight: 1 }],
      [{ text: 'b', weight: 2 }],
      [
        { text: 'c', weight: 2 },
        { text: ' BREAKS', weight: 1 },
      ],
    ])
    expect(parseEmphasis('BREAK')).toEqual([[], []])
    expect(flat(String.raw`a \BREAK b`)).toEqual(['a BREAK b', 1])
  })

  it('refuses AND and only that', () => {
    expect(() => parseEmphasis('a cat AND a dog')).toThrow(OfgenError)
    expect(() => parseEmphasis('a cat AND a dog')).toThrow(/AND.*"a cat AND a dog"/)
    for (const fine of ['sand AND_', 'a and b', 'LAND', String.raw`a \AND b`]) expect(() => parseEmphasis(fine)).not.toThrow()
  })

  const syntax = fc.string({
    unit: fc.constantFrom('(', ')', '[', ']', ':', '\\', '1', '.5', 'a', ' ', 'BREAK', '|', '雪', '\n'),
    maxLength: 60,
  })

  it('never fails, and has finite weights and no empty text', () => {
    fc.assert(
      fc.property(fc.oneof(syntax, fc.string()), (prompt) => {
        fc.pre(!prompt.includes('AND'))
        const sections = parseEmphasis(prompt)
        expect(sections.length).toBeGreaterThan(0)
        for (const section of sections)
          for (const [i, { text, weight }] of section.entries()) {
            expect(text).not.toBe('')
            expect(Number.isFinite(weight)).toBe(true)
            expect(weight).not.toBe(section[i + 1]?.weight)
          }
      }),
    )
  })

  const plain = fc.string().filter((text) => text !== '' && !/[\\()[\]]|BREAK|AND/.test(text))

  it('leaves text without syntax as it is', () => {
    fc.assert(
      fc.property(plain, (text) => {
        expect(parseEmphasis(text)).toEqual([[{ text, weight: 1 }]])
      }),
    )
  })

  it('is taken back by escaping', () => {
    fc.assert(
      fc.property(fc.oneof(syntax, fc.string()), (text) => {
        fc.pre(text !== '' && !/BREAK|AND/.test(text))
        expect(parseEmphasis(escapeEmphasis(text))).toEqual([[{ text, weight: 1 }]])
      }),
    )
  })

  it('multiplies through brackets in brackets', () => {
    const wrap = fc.oneof(
      fc.constant({ open: '(', close: ')', by: 1.1 }),
      fc.constant({ open: '[', close: ']', by: 1 / 1.1 }),
      fc.integer({ min: -300, max: 300 }).map((n) => ({ open: '(', close: `:${n / 100})`, by: n / 100 })),
    )
    fc.assert(
      fc.property(fc.array(wrap, { maxLength: 6 }), fc.stringMatching(/^[a-z]+$/), (wraps, word) => {
        const prompt = wraps.reduce((inner, { open, close }) => open + inner + close, word)
        const [only, ...more] = parseEmphasis(prompt)[0]!
        expect(more).toEqual([])
        expect(only!.text).toBe(word)
        expect(only!.weight).toBeCloseTo(
          wraps.reduce((weight, { by }) => weight * by, 1),
          9,
        )
      }),
    )
  })
})
