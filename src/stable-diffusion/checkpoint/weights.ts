import type { WeightSource } from '../../onnx/scope.ts'
import { storedTensor, type TensorFile } from './tensor-file.ts'

/** The tensors of one or several files (shards) under their own names. */
export function weightsOf(files: readonly TensorFile[]): WeightSource {
  return {
    title: files[0]?.path ?? 'an empty checkpoint',
    has: (name) => files.some(({ tensors }) => tensors.has(name)),
    find(name) {
      for (const file of files) {
        const tensor = storedTensor(file, name)
        if (tensor !== undefined) return tensor
      }
      return undefined
    },
  }
}
