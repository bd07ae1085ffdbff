/** What goes into and comes out of a session: floats and whole numbers only. */
export interface Tensor {
  readonly dims: readonly number[]
  readonly data: Float32Array | BigInt64Array | Int32Array
}

/** What a session is fed: tensors, and floats that are sent as bytes. */
export type Feed = Tensor | ByteTensor

/** Floats that take 256 values, a quarter as long on the way to the runtime's process: `low + data * step`. */
export interface ByteTensor {
  readonly dims: readonly number[]
  readonly data: Uint8Array
  readonly low: number
  readonly step: number
}

/** Float tensor. @throws RangeError if the data does not fill the dimensions. */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  const count = dims.reduce((product, side) => product * side, 1)
  if (count !== data.length) throw new RangeError(`A tensor of [${dims.join(', ')}] needs ${count} values, got ${data.length}.`)
  return { dims, data }
}
