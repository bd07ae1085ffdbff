import { fstatSync } from 'node:fs'
import { openSafetensors } from './safetensors.ts'
import { readFully, withFile, type TensorFile } from './tensor-file.ts'
import { looksLikeTorch, openTorchFile } from './torch-file.ts'

/**
 * The table of contents of a file of weights, safetensors or PyTorch's, told by how it begins.
 *
 * @throws OfgenError model_missing, or model_invalid naming what is wrong with it.
 */
export function openTensorFile(path: string): TensorFile {
  const torch = withFile(path, (fd) => {
    const head = new Uint8Array(Math.min(16, fstatSync(fd).size))
    readFully(fd, head, 0)
    return looksLikeTorch(head)
  })
  return torch ? openTorchFile(path) : openSafetensors(path)
}
