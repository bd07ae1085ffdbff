import type { StoredTensor } from '../../onnx/graph.ts'
import type { WeightSource } from '../../onnx/scope.ts'
import { storedTensor, type TensorFile } from './tensor-file.ts'

/** Where a weight lies: a tensor of the file, or one of equal slices along its first side. */
export interface Place {
  readonly name: string
  readonly slice?: { readonly index: number; readonly of: number }
}

/**
 * The tensors of one or several files (shards). Networks ask with the names that diffusers gives their weights; `place`
 * says where the files keep them, by default under the same name.
 */
export function weightsOf(
  files: readonly TensorFile[],
  place: (name: string) => Place = (name) => ({ name }),
  title: string = files[0]?.path ?? 'an empty checkpoint',
): WeightSource {
  return {
    title,
    nameOf: (name) => place(name).name,
    has: (name) => files.some(({ tensors }) => tensors.has(place(name).name)),
    find(name, dims) {
      const { name: stored, slice } = place(name)
      for (const file of files) {
        const tensor = storedTensor(file, stored)
        if (tensor !== undefined) return reshaped(slice === undefined ? tensor : sliceOf(tensor, slice), dims)
      }
      return undefined
    },
  }
}

function sliceOf(tensor: StoredTensor, { index, of }: { index: number; of: number }): StoredTensor {
  const [rows = 0, ...rest] = tensor.dims
  if (rows % of !== 0) return tensor
  const length = tensor.length / of
  return { ...tensor, offset: tensor.offset + index * length, length, dims: [rows / of, ...rest] }
}

/** Linear layers and 1x1 convolutions hold the same numbers; layouts differ in which of the two they write. */
function reshaped(tensor: StoredTensor, dims: readonly number[]): StoredTensor {
  const sides = (list: readonly number[]): string => list.join(' ').replace(/( 1)+$/, '')
  return sides(tensor.dims) === sides(dims) ? { ...tensor, dims } : tensor
}
