import { parseEmphasis } from '../prompt/emphasis.ts'
import { parseEdits, textsOf } from '../prompt/prompt-edits.ts'
import type { DiffusionModel, Embedding } from '../stable-diffusion/diffusion-model.ts'
import { padded } from '../stable-diffusion/embed-prompt.ts'

/** What a frame should be, and what it should not be. */
export interface FramePrompt {
  readonly prompt: string
  readonly negative: string
}

/** Both prompts as the network reads them, of one length. */
export interface PromptPair {
  readonly positive: Embedding
  readonly negative: Embedding
}

/**
 * Embeds what is needed to paint a frame.
 * @returns The prompts of each step: the same object where the texts are the same.
 */
export type Prompter = (prompt: FramePrompt, signal?: AbortSignal) => Promise<readonly PromptPair[]>

/** Texts whose embeddings are kept. */
const kept = 64

/**
 * Embeds each distinct text once, as long as it is among the last 64. A prompt that changes on the way (`[a:b:0.5]`) is embedded for all
 * steps before the first. Where one of both prompts is longer, empty chunks fill the other up, so that both share a run of the network.
 *
 * @param options `steps`: that are run.
 */
export function createPrompter(
  model: Pick<DiffusionModel, 'embed'>,
  { cfgScale, steps }: { readonly cfgScale: number; readonly steps: number },
): Prompter {
  const embeddings = new Map<string, Promise<Embedding>>()
  const embed = (text: string, signal?: AbortSignal): Promise<Embedding> => {
    const embedding = embeddings.get(text) ?? model.embed(text, signal)
    embeddings.delete(text)
    embeddings.set(text, embedding)
    if (embeddings.size > kept) embeddings.delete(embeddings.keys().next().value!)
    embedding.catch(() => embeddings.delete(text))
    return embedding
  }

  const pairOf = async (prompt: string, against: string, signal?: AbortSignal): Promise<PromptPair> => {
    const positive = await embed(prompt, signal)
    if (cfgScale === 1) return { positive, negative: positive }
    const negative = await embed(against, signal)
    if (positive.tokens === negative.tokens) return { positive, negative }
    const empty = await embed('', signal)
    const tokens = Math.max(positive.tokens, negative.tokens)
    return { positive: padded(positive, tokens, empty), negative: padded(negative, tokens, empty) }
  }

  return async ({ prompt, negative }, signal) => {
    const edits = parseEdits(prompt, steps)
    const against = parseEdits(negative, steps)
    const pairs = new Map<string, PromptPair>()
    const list: PromptPair[] = []
    for (let step = 0; step < steps; step++) {
      const texts = [edits.textAt(step), against.textAt(step)] as const
      const key = JSON.stringify(texts)
      const pair = pairs.get(key) ?? (await pairOf(...texts, signal))
      pairs.set(key, pair)
      list.push(pair)
    }
    return list
  }
}

/** The step of a run that a noise level belongs to: the one that begins there, or that passes it. */
export function stepAt(sigmas: readonly number[], sigma: number): number {
  let step = 0
  while (step + 2 < sigmas.length && sigmas[step + 1]! >= sigma) step++
  return step
}

/**
 * Refuses a prompt before work begins.
 *
 * @param steps Steps that are run.
 * @throws OfgenError option_invalid as `parseEmphasis` does.
 */
export function checkPrompt({ prompt, negative }: FramePrompt, steps: number): void {
  for (const text of [prompt, negative]) for (const one of textsOf(parseEdits(text, steps), steps)) parseEmphasis(one)
}
