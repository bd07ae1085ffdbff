import { expect, it } from 'vitest'
import { inSharedMemory } from './thread-side.ts'

it('puts every array of a value into shared memory, unchanged, and leaves the rest', () => {
  const value = {
    width: 2,
    name: 'a',
    parts: [{ data: Float32Array.of(1.5, -2) }, { data: Uint8Array.of(3, 255) }],
    none: undefined,
  }
  const shared = inSharedMemory(value)
  expect(shared).toEqual(value)
  for (const { data } of shared.parts) expect(data.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(value.parts[0]!.data.buffer).toBeInstanceOf(ArrayBuffer)
})

it('copies only the part of a buffer that is seen, and nothing that is shared already', () => {
  const part = inSharedMemory(Float32Array.of(0, 1, 2, 3).subarray(1, 3))
  expect([...part]).toEqual([1, 2])
  expect(part.buffer.byteLength).toBe(8)
  expect(inSharedMemory(part)).toBe(part)
})
