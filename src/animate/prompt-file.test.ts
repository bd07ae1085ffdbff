import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OfgenError } from '../errors.ts'
import type { VideoInfo } from '../video/frame-source.ts'
import { parsePromptFile, type PromptFileOptions } from './prompt-file.ts'

const options: PromptFileOptions = { path: 'prompts.txt', base: { prompt: 'base', negative: 'bad' }, style: 'ink' }
const info = { path: 'clip.mp4', frameCount: 100, duration: 4, frameRate: 25 } as VideoInfo

/** What a frame is told, `prompt / negative`. */
function at(text: string, place: { frame?: number; time?: number; shot?: number }): string {
  const { prompt, negative } = parsePromptFile(text, options).promptOf({ frame: 0, time: 0, shot: 0, ...place })
  return `${prompt} / ${negative}`
}

describe('a prompt file', () => {
  it.each([
    ['0-47: a', { frame: 47 }, 'a / bad'],
    ['0-47: a', { frame: 48 }, 'base / bad'],
    ['48-: a', { frame: 4800 }, 'a / bad'],
    ['5: a', { frame: 5 }, 'a / bad'],
    ['5: a', { frame: 6 }, 'base / bad'],
    ['5..7: a', { frame: 7 }, 'base / bad'],
    ['2s..5s: a', { time: 2 }, 'a / bad'],
    ['2s..5s: a', { time: 5 }, 'base / bad'],
    ['00:00:02..00:01:00: a: b', { time: 59 }, 'a: b / bad'],
    ['00:02..00:04:a:b', { time: 3 }, 'a:b / bad'],
    ['shot 2: a', { shot: 1 }, 'a / bad'],
    ['shot 2: a', { shot: 0 }, 'base / bad'],
    ['Shots 2 - 3: a', { shot: 2 }, 'a / bad'],
    ['shot 2-: a', { shot: 9 }, 'a / bad'],
    ['all: a\n3: b\n2-4: c', { frame: 3 }, 'c / bad'],
    ['negative all: n\n0: a', {}, 'a / n'],
    ['negative 0: {prompt}, {style}\nall: {style}, {prompt}', {}, 'ink, base / bad, ink'],
    ['\uFEFF# comment\r\n\r\n0: a,\r\n   b: c\r\n1:\r\n', {}, 'a, b: c / bad'],
    ['0:', {}, ' / bad'],
    ['0:1girl, solo', {}, '1girl, solo / bad'],
    ['0: [a:b:0.5] (c:1.2)', {}, '[a:b:0.5] (c:1.2) / bad'],
  ] as const)('%j at %j', (text, place, expected) => {
    expect(at(text, place)).toBe(expected)
  })

  it.each([
    ['0-4: a\n\nnonsense', /prompts\.txt, line 3: there is no place/],
    ['a girl: in a field', /line 1: "a girl" is no place/],
    ['# x\n9-3: a', /line 2: "9-3" ends before it begins/],
    ['shot 0: a', /line 1: "shot 0" is no shot; they count from 1/],
    ['5s..2s: a', /line 1: .*the end must lie after the start/],
    ['0: a\n  b\n200-: c', /line 3: 200- begins at 200, after the end of clip\.mp4/],
    ['9s..: c', /line 1: 9s\.\. begins at 9 s, after the end/],
    ['0: a\n1: wrong', /line 2: not wrong/],
    ['# nothing\n', /prompts\.txt has no prompts/],
  ])('is refused with its line: %j', (text, message) => {
    const parse = (): unknown =>
      parsePromptFile(text, {
        ...options,
        info,
        check: (prompt) => {
          if (prompt === 'wrong') throw new OfgenError('option_invalid', 'not wrong.')
        },
      })
    expect(parse).toThrow(OfgenError)
    expect(parse).toThrow(message)
  })

  it('is another one where its text or what is around it changes', () => {
    const id = (text: string, change: Partial<PromptFileOptions> = {}): string =>
      parsePromptFile(text, { ...options, ...change }).id
    expect(id('0: a')).toBe(id('0: a'))
    expect(
      new Set([id('0: a'), id('0: b'), id('0: a', { style: 'oil' }), id('0: a', { base: { prompt: '', negative: '' } })]).size,
    ).toBe(4)
  })

  it('fails with nothing but an OfgenError', () => {
    const line = fc.string({
      unit: fc.constantFrom('0', '7', '-', '.', 's', ':', ' ', 'shot ', 'all', 'a', '\n', '#', 'negative '),
      maxLength: 40,
    })
    fc.assert(
      fc.property(line, fc.nat(20), (text, frame) => {
        let prompt: string
        try {
          prompt = parsePromptFile(text, options).promptOf({ frame, time: frame, shot: frame }).prompt
        } catch (error) {
          if (!(error instanceof OfgenError) || error.code !== 'option_invalid') throw error
          return
        }
        expect(prompt === 'base' || text.includes(prompt.split(' ')[0]!)).toBe(true)
      }),
    )
  })
})
