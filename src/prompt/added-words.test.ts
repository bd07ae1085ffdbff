import { expect, test } from 'vitest'
import { withWords } from './added-words.ts'

const letters = { ids: (text: string): number[] => Array.from(text.trim(), (letter) => letter.codePointAt(0)!), pad: 7 }
const words = new Map([
  ['<ember>', [1000, 1001]],
  ['Bad', [2000]],
  ['bad-hands-5', [3000]],
])
const known = withWords(letters, words)

test.each([
  ['<ember>', [1000, 1001]],
  ['<EMBER>a', [1000, 1001, 97]],
  ['a,<ember>', [97, 44, 1000, 1001]],
  ['bad', [2000]],
  ['(bad)', [40, 2000, 41]],
  ['bad-hands-5', [3000]],
  ['bad-hands-50', [2000, ...letters.ids('-hands-50')]],
  ['badly', letters.ids('badly')],
  ['toobad', letters.ids('toobad')],
  ['bad_', letters.ids('bad_')],
])('%s', (text, ids) => {
  expect(known.ids(text)).toEqual(ids)
})

test('all else of the tokenizer stays, and without words it is the same', () => {
  expect(known.pad).toBe(7)
  expect(withWords(letters, new Map())).toBe(letters)
})
