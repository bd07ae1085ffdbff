import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEdits, textsOf } from './prompt-edits.ts'

function over(prompt: string, steps = 4): string[] {
  const edits = parseEdits(prompt, steps)
  return Array.from({ length: steps }, (_, step) => edits.textAt(step))
}

describe('prompt editing', () => {
  it.each([
    ['plain (text:1.2), [less]', ['plain (text:1.2), [less]']],
    ['a [b:c:0.5] d', ['a b d', 'a b d', 'a c d', 'a c d']],
    ['a [c:0.25]', ['a ', 'a c', 'a c', 'a c']],
    ['[b::0.75] a', ['b a', 'b a', 'b a', ' a']],
    ['[b:c:1]', ['b', 'c', 'c', 'c']],
    ['[b:c: 3 ]', ['b', 'b', 'b', 'c']],
    ['[b:c:0]', ['c']],
    ['[b:c:1.0]', ['b']],
    ['[b:c:1.7]', ['b']],
    ['[b:c:99]', ['b']],
    ['[a|b] x', ['a x', 'b x', 'a x', 'b x']],
    ['[a|b|]', ['a', 'b', '', 'a']],
    ['[a|[b|c]:0.5]', ['a', 'c:0.5', 'a', 'c:0.5']],
    ['[a:[b:c:0.75]:0.5]', ['a', 'a', 'b', 'c']],
    ['[(a:1.3):(b:0.5):0.5]', ['(a:1.3)', '(a:1.3)', '(b:0.5)', '(b:0.5)']],
    ['([a:b:0.5]:1.3) [x [c|d] y]', ['(a:1.3) [x c y]', '(a:1.3) [x d y]', '(b:1.3) [x c y]', '(b:1.3) [x d y]']],
    [
      String.raw`\[a:b:0.5\] [a\|b] [c\:d:0.5]`,
      [
        String.raw`\[a:b:0.5\] [a\|b] `,
        String.raw`\[a:b:0.5\] [a\|b] `,
        String.raw`\[a:b:0.5\] [a\|b] c\:d`,
        String.raw`\[a:b:0.5\] [a\|b] c\:d`,
      ],
    ],
    [String.raw`\\[a|b]`, [String.raw`\\a`, String.raw`\\b`, String.raw`\\a`, String.raw`\\b`]],
    ['[a:b:c:0.5] [a:b] [:0.5] [unclosed:0.5', ['[a:b:c:0.5] [a:b]  [unclosed:0.5']],
    ['closed] [a|b]', ['closed] a', 'closed] b', 'closed] a', 'closed] b']],
  ])('reads %s', (prompt, expected) => {
    const texts = over(prompt)
    expect(texts).toEqual(expected.length === 1 ? Array<string>(4).fill(expected[0]!) : expected)
  })

  it('lists each text once', () => {
    expect(textsOf(parseEdits('[a|b] [c:0.5]', 6), 6)).toEqual(['a ', 'b ', 'b c', 'a c'])
    expect(textsOf(parseEdits('(x)', 6), 6)).toEqual(['(x)'])
    expect(parseEdits('[a [b:0.5]]', 6).constant).toBe(false)
  })

  const syntax = fc.string({ unit: fc.constantFrom('(', ')', '[', ']', ':', '|', '\\', '0.5', '2', 'a', ' '), maxLength: 80 })

  it('never fails, and leaves what has no bracket or bar as it is', () => {
    fc.assert(
      fc.property(fc.oneof(syntax, fc.string()), fc.integer({ min: 1, max: 30 }), (prompt, steps) => {
        const edits = parseEdits(prompt, steps)
        for (let step = 0; step < steps; step++) {
          const text = edits.textAt(step)
          expect(text.length).toBeLessThanOrEqual(prompt.length)
          if (!prompt.includes('[') || edits.constant) expect(text).toBe(edits.textAt(0))
          if (!prompt.includes('[')) expect(text).toBe(prompt)
        }
      }),
    )
    expect(over('['.repeat(200_000))[0]).toHaveLength(200_000)
    expect(() => over('['.repeat(5000) + 'a|b' + ']'.repeat(5000))).not.toThrow()
  })

  it('changes at the share of the steps that it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 60 }), (percent, steps) => {
        const texts = over(`[a:b:${(percent / 100).toFixed(2)}]`, steps)
        expect(texts.filter((text) => text === 'a').length).toBe(Math.floor((percent * steps) / 100))
        expect(texts.toSorted()).toEqual(texts)
      }),
    )
  })
})
