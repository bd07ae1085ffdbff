import { describe, expect, it } from 'vitest'
import type { Embedding } from '../stable-diffusion/diffusion-model.ts'
import { checkPrompt, createPrompter, stepAt } from './frame-prompt.ts'

/** Embeds a text as its length, in as many chunks as it has dots more than none; notes what was asked. */
function recorder(): { asked: string[]; embed: (text: string) => Promise<Embedding> } {
  const asked: string[] = []
  return {
    asked,
    embed: (text) => {
      asked.push(text)
      const tokens = 77 * text.split('.').length
      return Promise.resolve({ tokens, width: 1, data: new Float32Array(tokens).fill(text.length) })
    },
  }
}

describe('the prompts of a frame', () => {
  it('are embedded once for each distinct text', async () => {
    const model = recorder()
    const prompter = createPrompter(model, { cfgScale: 2, steps: 4 })
    const [one, two, three, four] = await prompter({ prompt: '[a|b] c', negative: 'd' })
    expect([one, two]).toEqual([three, four])
    expect(one).toBe(three)
    await prompter({ prompt: 'a c', negative: 'b c' })
    expect(model.asked.toSorted()).toEqual(['a c', 'b c', 'd'])
  })

  it('leave the negative prompt out without cfg', async () => {
    const model = recorder()
    const [pair] = await createPrompter(model, { cfgScale: 1, steps: 4 })({ prompt: 'a', negative: 'd' })
    expect(model.asked).toEqual(['a'])
    expect(pair!.negative).toBe(pair!.positive)
  })

  it('are of one length: empty chunks fill up the shorter', async () => {
    const model = recorder()
    const [pair] = await createPrompter(model, { cfgScale: 2, steps: 1 })({ prompt: 'a', negative: 'b.c.d' })
    expect([pair!.positive.tokens, pair!.negative.tokens]).toEqual([231, 231])
    expect([0, 76, 77, 230].map((i) => pair!.positive.data[i])).toEqual([1, 1, 0, 0])
  })

  it('are forgotten when many others came after, and after a failure', async () => {
    const model = recorder()
    const prompter = createPrompter(model, { cfgScale: 1, steps: 1 })
    const ask = (prompt: string): Promise<unknown> => prompter({ prompt, negative: '' })
    await ask('a')
    for (let i = 0; i < 62; i++) await ask(`text ${i}`)
    await ask('a')
    for (let i = 62; i < 125; i++) await ask(`text ${i}`)
    expect(model.asked.filter((text) => text === 'a')).toHaveLength(1)
    await ask('text 125')
    await ask('a')
    expect(model.asked.filter((text) => text === 'a')).toHaveLength(2)
    let fail = true
    const flaky = createPrompter(
      { embed: (text) => (fail ? Promise.reject(new Error('no')) : recorder().embed(text)) },
      { cfgScale: 1, steps: 1 },
    )
    await expect(flaky({ prompt: 'a', negative: '' })).rejects.toThrow('no')
    fail = false
    await expect(flaky({ prompt: 'a', negative: '' })).resolves.toHaveLength(1)
  })

  it('belong to the step that begins at a noise level, or passes it', () => {
    const sigmas = [8, 4, 4, 1, 0]
    expect([9, 8, 5, 4, 2, 1, 0.5, 0].map((sigma) => stepAt(sigmas, sigma))).toEqual([0, 0, 0, 2, 2, 3, 3, 3])
  })

  it('are refused where a step would meet AND', () => {
    expect(() => checkPrompt({ prompt: 'a', negative: 'b [c:d AND e:0.5]' }, 4)).toThrow(/AND/)
    expect(() => checkPrompt({ prompt: '[A:B:0.5]ND AN[D|E]', negative: '' }, 4)).toThrow(/AND/)
    expect(() => checkPrompt({ prompt: 'a and [b|c]', negative: '' }, 4)).not.toThrow()
  })
})
