import { expect, test } from 'vitest'
import { lookAhead } from './look-ahead.ts'

async function* count(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i
}

const soon = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('results come in order whatever finishes first, and never more than the bound is under way', async () => {
  let running = 0
  let most = 0
  const out: number[] = []
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++running)
    await soon(item % 2 === 0 ? 6 : 1)
    running--
    return item * 10
  }
  for await (const value of lookAhead(count(9), 3, work)) out.push(value)
  expect(out).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80])
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

test('a failure surfaces at its place', async () => {
  const out: number[] = []
  const run = async (): Promise<void> => {
    const work = (item: number): Promise<number> => (item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item))
    for await (const value of lookAhead(count(5), 4, work)) out.push(value)
  }
  await expect(run()).rejects.toThrow('two')
  expect(out).toEqual([0, 1])
})

test('a failure of the source surfaces too', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield 1
    throw new Error('cut')
  }
  const run = async (): Promise<void> => {
    for await (const value of lookAhead(broken(), 2, (item) => Promise.resolve(item))) expect(value).toBe(1)
  }
  await expect(run()).rejects.toThrow('cut')
})

test('leaving early closes the source', async () => {
  let closed = false
  async function* source(): AsyncGenerator<number> {
    try {
      yield* count(100)
    } finally {
      closed = true
    }
  }
  for await (const value of lookAhead(source(), 2, (item) => Promise.resolve(item))) if (value === 3) break
  expect(closed).toBe(true)
})

test('what comes next is prepared while each item is used, not only the first', async () => {
  const begun: number[] = []
  const work = (item: number): Promise<number> => {
    begun.push(item)
    return Promise.resolve(item)
  }
  for await (const value of lookAhead(count(4), 1, work)) {
    await soon(2)
    expect(begun.at(-1)).toBe(Math.min(value + 1, 3))
  }
})

test('a failure of the source is not lost while an item is being used', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield* count(3)
    await soon(1)
    throw new Error('cut')
  }
  const out: number[] = []
  const run = async (): Promise<void> => {
    for await (const value of lookAhead(broken(), 2, (item) => Promise.resolve(item))) {
      await soon(5)
      out.push(value)
    }
  }
  await expect(run()).rejects.toThrow('cut')
  expect(out).toEqual([0, 1, 2])
})
