const encoder = new TextEncoder()

/** Writes one protocol buffer message. Fields are written in the order of the calls. */
export class ProtobufWriter {
  private buffer = new Uint8Array(128)
  private view = new DataView(this.buffer.buffer)
  private length = 0

  /** Whole number (int32, int64, enum, bool); negative ones take ten bytes, as the format wants. */
  int(field: number, value: number | bigint): this {
    this.varint(field << 3)
    this.varint(value)
    return this
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5)
    this.reserve(4)
    this.view.setFloat32(this.length, value, true)
    this.length += 4
    return this
  }

  bytes(field: number, data: Uint8Array): this {
    this.varint((field << 3) | 2)
    this.varint(data.length)
    this.reserve(data.length)
    this.buffer.set(data, this.length)
    this.length += data.length
    return this
  }

  /** Fields as they are written already. */
  raw(fields: Uint8Array): this {
    this.reserve(fields.length)
    this.buffer.set(fields, this.length)
    this.length += fields.length
    return this
  }

  string(field: number, text: string): this {
    return this.bytes(field, encoder.encode(text))
  }

  message(field: number, message: ProtobufWriter): this {
    return this.bytes(field, message.finish())
  }

  packedInts(field: number, values: readonly number[]): this {
    const packed = new ProtobufWriter()
    for (const value of values) packed.varint(value)
    return this.message(field, packed)
  }

  /** What was written so far; valid until the next write. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  private varint(value: number | bigint): void {
    this.reserve(10)
    if (typeof value === 'number' && value >= 0 && value < 2 ** 31) {
      let rest = value
      while (rest > 0x7f) {
        this.buffer[this.length++] = (rest & 0x7f) | 0x80
        rest >>>= 7
      }
      this.buffer[this.length++] = rest
      return
    }
    let rest = BigInt.asUintN(64, BigInt(value))
    while (rest > 0x7fn) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[this.length++] = Number(rest)
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
    this.view = new DataView(grown.buffer)
  }
}
