import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { toBrain, toHalf, writeSafetensors, type TensorToWrite } from '../../../test/safetensors.ts'
import { OfgenError } from '../../errors.ts'
import { openSafetensors, parseHeader } from './safetensors.ts'
import { readTensor, storedTensor } from './tensor-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const tensors = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
  fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }).map((dims): TensorToWrite => {
    const count = dims.reduce((product, side) => product * side, 1)
    return { dtype: 'F32', dims, data: Float32Array.from({ length: count }, (_, i) => i - 2.5) }
  }),
  { maxKeys: 8 },
)

test('what was written is found where it lies', () => {
  const path = join(folder, 'any.safetensors')
  fc.assert(
    fc.property(tensors, (written) => {
      writeSafetensors(path, written)
      const file = openSafetensors(path)
      expect([...file.tensors.keys()].toSorted()).toEqual(Object.keys(written).toSorted())
      for (const [name, { dims, data }] of Object.entries(written)) {
        expect(file.tensors.get(name)!.dims).toEqual(dims)
        expect(readTensor(file, name)).toEqual(data)
        expect(storedTensor(file, name)).toMatchObject({ file: path, type: 'float32', dims, length: data.byteLength })
      }
    }),
    { numRuns: 60 },
  )
})

test('a file cut anywhere is refused', () => {
  const path = join(folder, 'cut.safetensors')
  writeSafetensors(path, {
    a: { dtype: 'F32', dims: [2, 3], data: new Float32Array(6) },
    b: { dtype: 'F16', dims: [5], data: new Uint16Array(5) },
  })
  const whole = readFileSync(path)
  for (let size = 0; size < whole.length; size++) {
    writeFileSync(path, whole)
    truncateSync(path, size)
    expect(() => openSafetensors(path), `${size} bytes`).toThrow(OfgenError)
  }
  writeFileSync(path, Buffer.concat([whole, Buffer.alloc(1)]))
  expect(() => openSafetensors(path)).toThrow(`${path} has 1 bytes behind its last tensor.`)
})

test('a header with any byte changed is refused, or still describes tensors that fill the file', () => {
  const path = join(folder, 'damaged.safetensors')
  writeSafetensors(path, {
    first: { dtype: 'F32', dims: [4], data: new Float32Array(4) },
    second: { dtype: 'F16', dims: [2, 4], data: new Uint16Array(8) },
  })
  const whole = readFileSync(path)
  const header = whole.subarray(8, 8 + Number(whole.readBigUInt64LE()))
  fc.assert(
    fc.property(fc.nat(header.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const changed = Buffer.from(header)
      changed[at] = byte
      let parsed: ReturnType<typeof parseHeader>
      try {
        parsed = parseHeader(path, changed, whole.length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'model_invalid', message: expect.stringContaining(path) as unknown })
        return
      }
      const total = [...parsed.tensors.values()].reduce((sum, { length }) => sum + length, 0)
      expect(total).toBe(32)
    }),
    { numRuns: 2000 },
  )
})

const header = (json: unknown): Uint8Array => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
const entry = (begin: number, end: number, more: object = {}): object => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...more,
})

test.each([
  ['no JSON', '{"a"', 'not JSON'],
  ['no UTF-8', '\u0000', 'not JSON'],
  ['a list', [], 'not an object'],
  ['metadata of another kind', { __metadata__: { a: 1 } }, '__metadata__'],
  ['an unknown type', { a: entry(0, 8, { dtype: 'F31' }) }, '"a" has the unknown type "F31"'],
  ['a type that every object has', { a: entry(0, 8, { dtype: 'toString' }) }, 'unknown type'],
  ['a negative side', { a: entry(0, 8, { shape: [-2] }) }, 'no proper shape'],
  ['a side that is no whole number', { a: entry(0, 8, { shape: [2.5] }) }, 'no proper shape'],
  ['three offsets', { a: entry(0, 8, { data_offsets: [0, 4, 8] }) }, 'no proper data_offsets'],
  ['a size that does not fit the shape', { a: entry(0, 8, { shape: [3] }) }, 'spans 8 bytes where its shape and type make 12'],
  ['offsets that run backwards', { a: entry(0, 8, { data_offsets: [8, 0] }) }, 'spans -8 bytes'],
  ['an overlap', { a: entry(0, 8), b: entry(4, 12) }, 'tensor "b" overlaps'],
  ['a gap', { a: entry(0, 8), b: entry(12, 20) }, '4 bytes before tensor "b"'],
  ['data that does not begin at once', { a: entry(4, 8) }, '4 bytes before tensor "a"'],
])('refuses a header with %s', (_, json, message) => {
  const bytes = header(json)
  expect(() => parseHeader('model.safetensors', bytes, 8 + bytes.length + 1000)).toThrow(message)
})

test('names what the file is not', () => {
  const path = join(folder, 'other.safetensors')
  expect(() => openSafetensors(join(folder, 'none.safetensors'))).toThrow(expect.objectContaining({ code: 'model_missing' }))
  writeFileSync(path, 'PK\u0003\u0004 this is a zip archive')
  expect(() => openSafetensors(path)).toThrow('does not begin as a safetensors file')
  writeFileSync(path, 'short')
  expect(() => openSafetensors(path)).toThrow('has only 5 bytes')
  const length = Buffer.alloc(16)
  length.writeBigUInt64LE(5000n)
  writeFileSync(path, length)
  expect(() => openSafetensors(path)).toThrow('is truncated: its header alone needs 5008 bytes, it has 16')
})

test('reads 16-bit floats of every kind', () => {
  const path = join(folder, 'half.safetensors')
  const values = Float32Array.of(0, 1, -2.5, 65504, 2 ** -24, -(2 ** -14), 0.333251953125, 2 ** -15 + 2 ** -24)
  writeSafetensors(path, {
    half: { dtype: 'F16', dims: [8], data: toHalf(values) },
    special: { dtype: 'F16', dims: [3], data: Uint16Array.of(0x7c00, 0xfc00, 0x7e00) },
    brain: { dtype: 'BF16', dims: [3], data: toBrain(Float32Array.of(1, -3.5, 2 ** 100)) },
    quarter: { dtype: 'F8_E4M3', dims: [4], data: Uint8Array.of(0x38, 0xb9, 0x7e, 1) },
    wide: { dtype: 'F8_E5M2', dims: [3], data: Uint8Array.of(0x3c, 0xc1, 0x7b) },
    whole: { dtype: 'I64', dims: [1], data: BigInt64Array.of(1n) },
  })
  const file = openSafetensors(path)
  expect(readTensor(file, 'half')).toEqual(values)
  expect(readTensor(file, 'special')).toEqual(Float32Array.of(Infinity, -Infinity, NaN))
  expect(readTensor(file, 'brain')).toEqual(Float32Array.of(1, -3.5, 2 ** 100))
  expect(readTensor(file, 'quarter')).toEqual(Float32Array.of(1, -1.125, 448, 2 ** -9))
  expect(readTensor(file, 'wide')).toEqual(Float32Array.of(1, -2.5, 57344))
  expect(() => readTensor(file, 'whole')).toThrow('has type I64; accepted are F32, F16, BF16, F8_E4M3')
  expect(() => storedTensor(file, 'whole')).toThrow('has type I64; accepted are F32, F16, BF16, F8_E4M3')
  expect(() => readTensor(file, 'none')).toThrow('has no tensor "none"')
  expect(storedTensor(file, 'none')).toBeUndefined()
})
