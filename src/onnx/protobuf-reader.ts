/** One field of a protocol buffer message. */
export interface ProtobufField {
  readonly field: number
  /** The number of a whole-number field, else 0. */
  readonly value: number
  /** The content of a bytes, text or message field; the raw bytes of a fixed-size one; empty for whole numbers. */
  readonly bytes: Uint8Array
  /** The field as it stands in the message, with its number. */
  readonly raw: Uint8Array
}

const nothing: Uint8Array = new Uint8Array(0)

/**
 * The fields of a message in their order.
 * @throws RangeError where the bytes are no message.
 */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField, void, undefined> {
  let at = 0
  const varint = (): number => {
    let [value, scale] = [0, 1]
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined || scale > 2 ** 63) throw new RangeError(`The message breaks off at byte ${at}.`)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError(`The message breaks off at byte ${at}.`)
    return bytes.subarray(at, (at += length))
  }
  while (at < bytes.length) {
    const start = at
    const tag = varint()
    const field = Math.floor(tag / 8)
    const wire = tag % 8
    let [value, content] = [0, nothing]
    if (wire === 0) value = varint()
    else if (wire === 1) content = take(8)
    else if (wire === 2) content = take(varint())
    else if (wire === 5) content = take(4)
    else throw new RangeError(`The message has a field of unknown kind ${wire} before byte ${at}.`)
    yield { field, value, bytes: content, raw: bytes.subarray(start, at) }
  }
}
