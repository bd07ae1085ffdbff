import { chunkPrompt, type ChunkTokenizer } from '../prompt/chunks.ts'
import type { Embedding } from './diffusion-model.ts'

/** Runs a text encoder on one chunk: its states `[ids * width]`. */
export type EncodeChunk = (ids: Int32Array) => Promise<Float32Array>

/**
 * Embeds a prompt of any length with A1111's emphasis: each chunk of 75 tokens on its own, the states of a token times its weight, then
 * every state of the chunk times what gives them their mean back. Prompts that fit one chunk and weigh nothing come out as the encoder
 * gives them.
 *
 * @param encode Called once a chunk, in order.
 * @throws OfgenError option_invalid for what `parseEmphasis` refuses.
 */
export async function embedPrompt(prompt: string, tokenizer: ChunkTokenizer, encode: EncodeChunk): Promise<Embedding> {
  const chunks = chunkPrompt(prompt, tokenizer)
  const states: Float32Array[] = []
  for (const { ids, weights } of chunks) states.push(weighted(await encode(ids), weights))
  const width = states[0]!.length / tokenizer.length
  const data = new Float32Array(states.length * states[0]!.length)
  for (const [i, part] of states.entries()) data.set(part, i * part.length)
  return { tokens: chunks.length * tokenizer.length, width, data }
}

/**
 * A1111's emphasis on the states of one chunk: times the weights, then times one number that restores the mean of all values. Weights
 * that are all 1 leave the very same array.
 */
export function weighted(states: Float32Array, weights: Float32Array): Float32Array {
  if (weights.every((weight) => weight === 1)) return states
  const width = states.length / weights.length
  const out = new Float32Array(states.length)
  let [before, after] = [0, 0]
  for (let i = 0; i < out.length; i++) {
    out[i] = states[i]! * weights[Math.floor(i / width)]!
    before += states[i]!
    after += out[i]!
  }
  // All weights 0 leave nothing to restore.
  const restore = after === 0 ? 1 : before / after
  for (let i = 0; i < out.length; i++) out[i]! *= restore
  return out
}

/**
 * A longer form of an embedding: with the embedding of an empty prompt behind it until it has as many tokens.
 *
 * @param empty The embedding of '', whose tokens divide the difference.
 * @throws RangeError if it cannot come out even.
 */
export function padded(embedding: Embedding, tokens: number, empty: Embedding): Embedding {
  const missing = (tokens - embedding.tokens) / empty.tokens
  if (missing === 0) return embedding
  if (missing < 0 || !Number.isInteger(missing))
    throw new RangeError(`tokens must be ${embedding.tokens} and a multiple of ${empty.tokens} more, got ${tokens}.`)
  const data = new Float32Array(tokens * embedding.width)
  data.set(embedding.data)
  for (let i = 0; i < missing; i++) data.set(empty.data, embedding.data.length + i * empty.data.length)
  return { ...embedding, tokens, data }
}
