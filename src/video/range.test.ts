import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import type { VideoInfo } from './frame-source.ts'
import { checkRange, parseRange } from './range.ts'

test.each([
  ['2s..5s', 'seconds', 2, 5],
  ['2..5s', 'seconds', 2, 5],
  ['0.5s..1.25s', 'seconds', 0.5, 1.25],
  ['.5s..1s', 'seconds', 0.5, 1],
  ['2s..', 'seconds', 2, Infinity],
  ['..5s', 'seconds', 0, 5],
  ['30..90', 'frames', 30, 90],
  ['30..', 'frames', 30, Infinity],
  ['..90', 'frames', 0, 90],
  [' 30 .. 90 ', 'frames', 30, 90],
  ['00:01:02.5..00:01:10', 'seconds', 62.5, 70],
  ['1:02..1:10', 'seconds', 62, 70],
  ['1:00:00..', 'seconds', 3600, Infinity],
  ['90:00..91:00', 'seconds', 5400, 5460],
] as const)('%s', (text, unit, start, end) => {
  expect(parseRange(text)).toEqual({ unit, start, end })
})

test.each([
  '',
  '5',
  '..',
  '5s',
  '2s-5s',
  '5s..2s',
  '5..5',
  '1.5..3',
  '-1..4',
  'a..b',
  '1s..2s..3s',
  '00:61..00:62s',
  '1:60:00..2:00:00',
  '1e3..2e3',
  '2m..3m',
])('refuses "%s", naming the option and the forms it takes', (text) => {
  expect(() => parseRange(text, '--range')).toThrow(
    expect.objectContaining({
      code: 'option_invalid',
      exitCode: 2,
      message: expect.stringContaining(`--range ${text}`) as string,
      hint: expect.stringContaining('2s..5s') as string,
    }),
  )
})

test('any two whole seconds in order are read', () => {
  assert(
    property(integer({ min: 0, max: 1e5 }), integer({ min: 1, max: 1e5 }), (start, length) => {
      expect(parseRange(`${start}s..${start + length}s`)).toEqual({ unit: 'seconds', start, end: start + length })
      const clock = (t: number): string => `${Math.floor(t / 3600)}:${Math.floor(t / 60) % 60}:${t % 60}`
      expect(parseRange(`${clock(start)}..${clock(start + length)}`)).toEqual({ unit: 'seconds', start, end: start + length })
    }),
  )
})

test('a range that begins after the end of the video is refused before work begins', () => {
  const info = { path: 'clip.mp4', duration: 5, frameCount: 125 } as VideoInfo
  expect(() => checkRange(parseRange('6s..7s'), info)).toThrow(
    expect.objectContaining({ code: 'option_invalid', message: '--range begins at 6 s, after the end of clip.mp4 (5 s).' }),
  )
  expect(() => checkRange(parseRange('200..'), info)).toThrow(expect.objectContaining({ code: 'option_invalid' }))
  checkRange(parseRange('4s..9s'), info)
  checkRange(parseRange('124..'), info)
  checkRange(parseRange('900s..'), { ...info, duration: undefined })
})
