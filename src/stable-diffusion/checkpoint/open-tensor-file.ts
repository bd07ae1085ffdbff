import { openSafetensors } from './safetensors.ts'
import type { TensorFile } from './tensor-file.ts'

/**
 * The table of contents of a file of weights, whatever its name ends in.
 *
 * @throws OfgenError model_missing, or model_invalid naming what is wrong with it.
 */
export function openTensorFile(path: string): TensorFile {
  return openSafetensors(path)
}
