import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OfgenError } from '../errors.ts'
import { extractLoras } from './lora-tags.ts'

describe('LoRA tags', () => {
  it.each([
    ['a cat <lora:ink:0.8>, sharp', 'a cat , sharp', [{ name: 'ink', weight: 0.8 }]],
    [
      '<lora:a b.v2><LORA:c:-.5>x',
      'x',
      [
        { name: 'a b.v2', weight: 1 },
        { name: 'c', weight: -0.5 },
      ],
    ],
    ['<lyco: d : 1. >', '', [{ name: 'd', weight: 1 }]],
    ['a < b, c > d, <b>, <lora>', 'a < b, c > d, <b>, <lora>', []],
  ])('leave the prompt: %s', (prompt, rest, loras) => {
    expect(extractLoras(prompt)).toEqual({ prompt: rest, loras })
  })

  it.each(['<lora:a:strong>', '<lora::1>', '<lora:a:1:0.5>', '<hypernet:a:1>', '<lora:a:>'])('are refused by name: %s', (tag) => {
    expect(() => extractLoras(`x ${tag}`)).toThrow(OfgenError)
    expect(() => extractLoras(`x ${tag}`)).toThrow(tag)
  })

  it('come back in order from among any text', () => {
    const text = fc.string().map((value) => value.replaceAll(/[<>]/g, ''))
    const lora = fc.record({
      name: fc.stringMatching(/^[\w -]*\w$/),
      weight: fc.integer({ min: -200, max: 200 }).map((n) => n / 100),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, lora)), text, (pairs, end) => {
        const prompt = pairs.map(([before, { name, weight }]) => `${before}<lora:${name}:${weight.toFixed(2)}>`).join('') + end
        const found = extractLoras(prompt)
        expect(found.prompt).toBe(pairs.map(([before]) => before).join('') + end)
        expect(found.loras).toEqual(pairs.map(([, { name, weight }]) => ({ name: name.trim(), weight: weight + 0 })))
      }),
    )
  })
})
