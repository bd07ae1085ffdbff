import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadTokenizer } from '../prompt/tokenizer.ts'
import { embedPrompt, padded, weighted } from './embed-prompt.ts'

const tokenizer = await loadTokenizer(fileURLToPath(new URL('../../assets/clip-tokenizer', import.meta.url)))

/** Two values for each id. */
function encode(ids: Int32Array): Promise<Float32Array> {
  return Promise.resolve(Float32Array.from({ length: 2 * ids.length }, (_, i) => 1 + Math.sin(ids[i >> 1]! + i)))
}

const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length

describe('an embedded prompt', () => {
  it('is what the encoder gives where nothing is weighted', async () => {
    const embedding = await embedPrompt('a fox', tokenizer, encode)
    expect(embedding).toEqual({ tokens: 77, width: 2, data: await encode(tokenizer.encode('a fox')) })
  })

  it('has its chunks in order', async () => {
    const embedding = await embedPrompt('a fox BREAK snow', tokenizer, encode)
    expect(embedding.tokens).toBe(154)
    expect(embedding.data.subarray(0, 154)).toEqual(await encode(tokenizer.encode('a fox')))
    expect(embedding.data.subarray(154)).toEqual(await encode(tokenizer.encode('snow')))
  })

  it('weighs the token and keeps the mean of the chunk', async () => {
    const plain = await embedPrompt('a fox, snow', tokenizer, encode)
    const heavy = await embedPrompt('a (fox:1.5), snow', tokenizer, encode)
    expect(mean(heavy.data)).toBeCloseTo(mean(plain.data), 6)
    // Begin, a, fox, comma: all but the fox change by one factor, and the fox by half as much again.
    const change = Array.from({ length: 154 }, (_, i) => heavy.data[i]! / plain.data[i]!)
    expect(change[4]! / change[2]!).toBeCloseTo(1.5, 4)
    for (const i of [0, 1, 3, 6, 7, 8, 153]) expect(change[i]! / change[2]!).toBeCloseTo(1, 4)
    expect(change[0]!).toBeLessThan(1)
  })

  it('keeps its mean under any weights', () => {
    const weights = fc.float32Array({ minLength: 4, maxLength: 4, min: Math.fround(0.1), max: 3, noNaN: true })
    const states = fc.float32Array({ minLength: 12, maxLength: 12, min: Math.fround(0.1), max: 2, noNaN: true })
    fc.assert(
      fc.property(states, weights, (values, by) => {
        const out = weighted(values, by)
        expect(mean(out)).toBeCloseTo(mean(values), 5)
        expect(out[3]! * values[0]! * by[0]!).toBeCloseTo(out[0]! * values[3]! * by[1]!, 3)
      }),
    )
    expect(Array.from(weighted(Float32Array.of(1, 2), Float32Array.of(0, 0)))).toEqual([0, 0])
  })

  it('grows by empty chunks, and by nothing else', async () => {
    const [one, three, empty] = await Promise.all(
      ['a', 'a BREAK b BREAK c', ''].map((prompt) => embedPrompt(prompt, tokenizer, encode)),
    )
    const long = padded(one!, three!.tokens, empty!)
    expect(long.data).toEqual((await embedPrompt('a BREAK BREAK BREAK', tokenizer, encode)).data)
    expect(padded(three!, 231, empty!)).toBe(three)
    expect(() => padded(three!, 77, empty!)).toThrow(RangeError)
    expect(() => padded(one!, 100, empty!)).toThrow(/tokens/)
  })
})
