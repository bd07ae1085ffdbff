import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { hashFiles } from './hash.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-hash-'))
afterAll(() => rmSync(folder, { recursive: true }))
const [a, b] = [join(folder, 'a'), join(folder, 'b')]
const large = Buffer.alloc(6_000_000)
let before = ''
beforeEach(() => {
  writeFileSync(a, 'first')
  writeFileSync(b, large)
  before = hashFiles(folder, [a, b])
})

test('times, places and the order of the files do not matter', () => {
  utimesSync(a, 1, 1)
  expect(hashFiles(folder, [b, a])).toBe(before)
  const other = join(folder, 'other')
  mkdirSync(other)
  renameSync(a, join(other, 'a'))
  renameSync(b, join(other, 'b'))
  expect(hashFiles(other, [join(other, 'a'), join(other, 'b')])).toBe(before)
})

test.each([
  ['a byte of a small file', () => writeFileSync(a, 'fIrst')],
  ['the last byte of a large file', () => writeFileSync(b, Buffer.concat([large.subarray(1), Buffer.of(1)]))],
  ['the first byte of a large file', () => writeFileSync(b, Buffer.concat([Buffer.of(1), large.subarray(1)]))],
  ['the length of a large file', () => writeFileSync(b, large.subarray(40_000))],
  ['every byte in the middle of a large file', () => writeFileSync(b, Buffer.alloc(large.length).fill(7, 1e6, 2e6))],
])('%s changes it', (_, change) => {
  change()
  expect(hashFiles(folder, [a, b])).not.toBe(before)
})

test('a name changes it', () => {
  const c = join(folder, 'c')
  renameSync(a, c)
  expect(hashFiles(folder, [c, b])).not.toBe(before)
  rmSync(c)
})
