import { existsSync, statSync } from 'node:fs'
import { OfgenError } from '../../errors.ts'
import type { Checkpoint, CheckpointOptions } from './checkpoint.ts'
import { openDiffusersFolder } from './diffusers-folder.ts'
import { openTensorFile } from './open-tensor-file.ts'
import { isOnnxFolder, openOnnxFolder } from './onnx-folder.ts'
import { openSingleFile } from './single-file.ts'

/**
 * Opens a model on disk: one file in the LDM layout, a folder in the diffusers layout, or one of exported ONNX
 * graphs.
 *
 * @throws OfgenError model_missing or model_invalid, naming the file.
 */
export function openCheckpoint(path: string, options: CheckpointOptions = {}): Checkpoint {
  if (!existsSync(path))
    throw new OfgenError('model_missing', `There is no model at ${path}.`, {
      hint: 'Give a checkpoint file (.safetensors) or a folder in the diffusers layout.',
    })
  if (!statSync(path).isDirectory()) return openSingleFile(openTensorFile(path), options)
  return isOnnxFolder(path) ? openOnnxFolder(path, options) : openDiffusersFolder(path, options)
}
