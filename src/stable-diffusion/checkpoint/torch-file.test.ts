import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { maxDifference, toBrain, toHalf } from '../../../test/safetensors.ts'
import { PickleWriter, writeTorchFile, writeZip } from '../../../test/torch-file.ts'
import { OfgenError } from '../../errors.ts'
import { openTensorFile } from './open-tensor-file.ts'
import { readPickle } from './pickle.ts'
import { readTensor } from './tensor-file.ts'
import { openTorchFile } from './torch-file.ts'

// Files of test/goldens/torch-files were written by PyTorch 2.13 with make.py there.

const goldens = fileURLToPath(new URL('../../../test/goldens/torch-files/', import.meta.url))
const values = JSON.parse(readFileSync(`${goldens}values.json`, 'utf8')) as Record<string, number[]>
const folder = mkdtempSync(join(tmpdir(), 'ofgen-torch-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(['zip.ckpt', 'legacy.ckpt', 'plain.pt'])('%s', (name) => {
  const file = openTensorFile(goldens + name)

  test('has the tensors that were saved, views and parameters included, with their shapes', () => {
    expect([...file.tensors.keys()].toSorted()).toEqual(Object.keys(values).toSorted())
    expect(file.tensors.get('a.weight')).toMatchObject({ dtype: 'F32', dims: [3, 4], length: 48 })
    expect(file.tensors.get('view')).toMatchObject({ dtype: 'F32', dims: [3, 4] })
    expect(file.tensors.get('ids')).toMatchObject({ dtype: 'I64', dims: [1, 6] })
    expect(file.tensors.get('double')).toMatchObject({ dtype: 'F64', dims: [2] })
    expect(file.tensors.get('scalar')).toMatchObject({ dtype: 'F32', dims: [] })
  })

  test.each(['a.weight', 'a.half', 'a.brain', 'view', 'other_view', 'parameter', 'scalar'])(
    '%s has its numbers where it is said to lie',
    (tensor) => {
      expect(maxDifference(readTensor(file, tensor), values[tensor]!)).toBeLessThan(1e-7)
    },
  )
})

test('fp8 weights are found', () => {
  const file = openTensorFile(`${goldens}fp8.pt`)
  expect(file.tensors.get('f8')).toMatchObject({ dtype: 'F8_E4M3', dims: [4], length: 4 })
  expect(file.tensors.get('f8b')).toMatchObject({ dtype: 'F8_E5M2', dims: [4], length: 4 })
})

test('a file that calls the shell is refused by the name of what it calls, and calls nothing', () => {
  expect(() => openTensorFile(`${goldens}evil.ckpt`)).toThrow(
    expect.objectContaining({
      code: 'model_invalid',
      message: expect.stringMatching(/wants to use "(posix|os|nt)\.system"/) as unknown,
    }),
  )
  expect(existsSync('/tmp/owned')).toBe(false)
})

test('a tensor that does not lie in one piece is refused by its name', () => {
  expect(() => openTensorFile(`${goldens}turned.pt`)).toThrow('has tensor "turned" that does not lie in one piece (strides 1, 4)')
})

const some = {
  first: { dtype: 'F32', dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  'second.half': { dtype: 'F16', dims: [5], data: toHalf(Float32Array.of(1, -2, 0.5, 4, 0)) },
  brain: { dtype: 'BF16', dims: [2, 1], data: toBrain(Float32Array.of(3, -8)) },
} as const

test.each([false, true])('what our own writer of the tests writes is read as it is, with wide fields: %s', (wide) => {
  const path = join(folder, 'own.ckpt')
  writeTorchFile(path, some, { wide })
  const file = openTensorFile(path)
  expect([...file.tensors.keys()]).toEqual(Object.keys(some))
  expect(readTensor(file, 'first')).toEqual(some.first.data)
  expect(readTensor(file, 'second.half')).toEqual(Float32Array.of(1, -2, 0.5, 4, 0))
  expect(readTensor(file, 'brain')).toEqual(Float32Array.of(3, -8))
})

test('a file cut anywhere is refused', () => {
  const path = join(folder, 'cut.ckpt')
  for (const name of ['zip.ckpt', 'legacy.ckpt']) {
    const whole = readFileSync(goldens + name)
    for (let size = 0; size < whole.length; size += 7) {
      writeFileSync(path, whole.subarray(0, size))
      expect(() => openTensorFile(path), `${name}, ${size} bytes`).toThrow(OfgenError)
    }
  }
})

test('a file with any byte changed is refused, or still describes tensors inside of it', () => {
  const path = join(folder, 'changed.ckpt')
  for (const name of ['zip.ckpt', 'legacy.ckpt', 'plain.pt']) {
    const whole = readFileSync(goldens + name)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = Buffer.from(whole)
        for (const [at, byte] of changes) changed[at] = byte
        writeFileSync(path, changed)
        expectSound(() => openTorchFile(path), path)
      }),
      { numRuns: 400 },
    )
  }
})

function expectSound(open: () => ReturnType<typeof openTorchFile>, path: string): void {
  let file: ReturnType<typeof openTorchFile>
  try {
    file = open()
  } catch (error) {
    expect(error).toMatchObject({ code: 'model_invalid', message: expect.stringContaining(path) as unknown })
    return
  }
  for (const { offset, length } of file.tensors.values()) {
    expect(offset).toBeGreaterThanOrEqual(0)
    expect(offset + length).toBeLessThanOrEqual(file.size)
  }
}

const options = { path: 'model.ckpt', known: (name: string) => name === 'collections.OrderedDict' }

test('any bytes are a pickle or are refused in a sentence', () => {
  // Opcodes are made likely, so that runs get beyond the first byte.
  const opcodes = Array.from('(.012NIJKMXUCB]a)elt}dsucRbQqrhjGTFL')
    .map((letter) => letter.charCodeAt(0))
    .concat([0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8c, 0x8f, 0x93, 0x94, 0x95])
  const byte = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...opcodes) }, { weight: 1, arbitrary: fc.nat(255) })
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), (bytes) => {
      try {
        readPickle(Uint8Array.from(bytes), options)
      } catch (error) {
        expect(error).toMatchObject({
          code: 'model_invalid',
          message: expect.stringMatching(/^model\.ckpt .*of its pickle\)\.$/s) as unknown,
        })
      }
    }),
    { numRuns: 3000 },
  )
})

test.each([
  ['a function', (pickle: PickleWriter) => pickle.global('os', 'system').text('x').op(0x85).op('R'), 'wants to use "os.system"'],
  [
    'a function by STACK_GLOBAL',
    (pickle: PickleWriter) => pickle.text('builtins').text('eval').op(0x93),
    'wants to use "builtins.eval"',
  ],
  [
    'an accepted name with a tail',
    (pickle: PickleWriter) => pickle.global('collections', 'OrderedDict.fromkeys'),
    '"collections.OrderedDict.fromkeys"',
  ],
  ['INST', (pickle: PickleWriter) => pickle.op('(').op('i', 'os\nsystem\n'), 'opcode INST'],
  ['OBJ', (pickle: PickleWriter) => pickle.op('(').op('o'), 'opcode OBJ'],
  ['EXT1', (pickle: PickleWriter) => pickle.op(0x82), 'opcode EXT1'],
  ['PERSID', (pickle: PickleWriter) => pickle.op('P', 'x\n'), 'opcode PERSID'],
  ['NEWOBJ_EX', (pickle: PickleWriter) => pickle.op(0x92), 'opcode NEWOBJ_EX'],
  ['an unknown opcode', (pickle: PickleWriter) => pickle.op(0xff), 'opcode 0xff'],
  [
    'a call of what was called',
    (pickle: PickleWriter) => pickle.global('collections', 'OrderedDict').op(')R').op(')R'),
    'wants to call something',
  ],
  [
    'a list with a million million entries',
    (pickle: PickleWriter) => pickle.op(0x8d, Buffer.alloc(8, 0x7f)),
    'ends within a value',
  ],
])('refuses %s by its name', (_, write, message) => {
  expect(() => readPickle(write(new PickleWriter()).finish(), options)).toThrow(message)
})

test('a dictionary that holds itself comes to an end', () => {
  const path = join(folder, 'self.ckpt')
  const pickle = new PickleWriter()
    .op('}')
    .op('q', Buffer.from([1]))
    .text('me')
    .op('h', Buffer.from([1]))
    .op('s')
    .finish()
  writeZip(path, [['archive/data.pkl', pickle]])
  expect(() => openTorchFile(path)).toThrow('holds no tensors')
})

test('archives that are not of PyTorch, or compressed, are refused', () => {
  const path = join(folder, 'other.ckpt')
  writeZip(path, [['readme.txt', Buffer.from('hello')]])
  expect(() => openTorchFile(path)).toThrow('is a zip archive without data.pkl')
  writeZip(path, [['archive/data.pkl', Buffer.from('hello')]], { method: 8 })
  expect(() => openTorchFile(path)).toThrow('with the compressed file "archive/data.pkl"')
})
