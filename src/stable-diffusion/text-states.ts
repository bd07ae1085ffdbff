import { OfgenError } from '../errors.ts'
import type { TextPart } from './checkpoint/checkpoint.ts'
import type { Embedding } from './diffusion-model.ts'
import { families, type Family } from './family.ts'

/**
 * Layers at the end of the text encoders that the prompt's states do not pass.
 *
 * @param clipSkip As A1111 counts: 1 is the last layer, 2 the last but one; undefined for what the family was trained with.
 * @throws OfgenError option_invalid for layers that are not there.
 */
export function skippedLayers(clipSkip: number | undefined, family: Family, texts: readonly TextPart[]): number {
  const { lastLayer, clipSkip: own, title } = families[family]
  const wanted = clipSkip ?? own
  const deepest = lastLayer + Math.min(...texts.map(({ config }) => config.num_hidden_layers)) - 1
  if (wanted < lastLayer || wanted > deepest)
    throw new OfgenError(
      'option_invalid',
      `--clip-skip cannot be ${wanted} for this model; accepted: ${lastLayer} to ${deepest}.`,
      {
        hint: `${title} was trained with ${own}.`,
      },
    )
  return wanted - lastLayer
}

/** The states of several text encoders side by side, token by token; the pooled vector of the one that has one. */
export function besideEachOther(parts: readonly Embedding[]): Embedding {
  if (parts.length === 1) return parts[0]!
  const { tokens } = parts[0]!
  const width = parts.reduce((sum, part) => sum + part.width, 0)
  const data = new Float32Array(tokens * width)
  let start = 0
  for (const part of parts) {
    for (let i = 0; i < tokens; i++) data.set(part.data.subarray(i * part.width, (i + 1) * part.width), i * width + start)
    start += part.width
  }
  return { tokens, width, data, pooled: parts.find(({ pooled }) => pooled !== undefined)?.pooled }
}
