import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtobufWriter } from './protobuf.ts'

type Field = [number: number, value: bigint | number | Uint8Array]

/** Reads a message as the format's specification says. */
function read(bytes: Uint8Array): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]!)
      value |= (byte & 0x7fn) << shift
      if (byte < 0x80n) return BigInt.asIntN(64, value)
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    if ((tag & 7) === 0) fields.push([tag >> 3, varint()])
    else if ((tag & 7) === 5) {
      fields.push([tag >> 3, view.getFloat32(at, true)])
      at += 4
    } else {
      const length = Number(varint())
      fields.push([tag >> 3, bytes.slice(at, at + length)])
      at += length
    }
  }
  return fields
}

test('whole numbers of every size and sign come back', () => {
  const number = fc.oneof(
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(0, -1, 127, 128, 2 ** 31, 2 ** 32),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), number, (field, value) => {
      expect(read(new ProtobufWriter().int(field, value).finish())).toEqual([[field, BigInt(value)]])
    }),
  )
})

test('floats, texts, bytes and messages come back in the order they were written, however long', () => {
  fc.assert(
    fc.property(
      fc.float({ noNaN: true }),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 3000 }),
      (float, text, bytes) => {
        const inner = new ProtobufWriter().string(1, text).float(3, float)
        const message = new ProtobufWriter().bytes(2, bytes).message(7, inner).packedInts(8, [1, -1, 300]).finish()
        const fields = read(message)
        expect(fields.map(([number]) => number)).toEqual([2, 7, 8])
        expect(fields[0]![1]).toEqual(bytes)
        expect(read(fields[1]![1] as Uint8Array)).toEqual([
          [1, new TextEncoder().encode(text)],
          [3, float],
        ])
        expect([...(fields[2]![1] as Uint8Array)]).toEqual([1, ...Array.from({ length: 9 }, () => 0xff), 1, 0xac, 2])
      },
    ),
  )
})
