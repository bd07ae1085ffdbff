import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Family } from '../family.ts'
import type { TensorFile } from './tensor-file.ts'

/** What a model predicts, and how that is known. */
export interface Prediction {
  readonly type: 'epsilon' | 'v_prediction'
  /** Trained with noise that leaves nothing of the picture at the last timestep. */
  readonly zeroSnr: boolean
  /** Where it stands, for people. */
  readonly because: string
}

/**
 * What the UNet of a single file predicts. Its tensors look alike either way, so this goes by what their makers leave
 * behind: the marker tensors `v_pred` and `ztsnr`, ModelSpec metadata, a `.yaml` of the same name beside the file (the
 * A1111 custom), the file's name; SD 2 predicts v where nothing says otherwise.
 *
 * @see https://github.com/Stability-AI/ModelSpec
 */
export function detectPrediction(file: TensorFile, family: Family): Prediction {
  const zeroSnr = file.tensors.has('ztsnr') || /^(1|true)$/i.test(file.metadata['ztsnr'] ?? '')
  const found = (v: boolean, because: string): Prediction => ({ type: v ? 'v_prediction' : 'epsilon', zeroSnr, because })
  if (file.tensors.has('v_pred')) return found(true, 'the tensor v_pred in the file')
  const spec = file.metadata['modelspec.prediction_type'] ?? file.metadata['ss_prediction_type']
  if (spec !== undefined) return found(/^v/i.test(spec), `its metadata (prediction type ${spec})`)
  const yaml = file.path.replace(/\.\w+$/, '.yaml')
  if (existsSync(yaml)) {
    const parameterization = /^\s*parameterization:\s*["']?(\w+)/m.exec(readFileSync(yaml, 'utf8'))?.[1]
    return found(parameterization === 'v', `${basename(yaml)} beside it`)
  }
  const name = basename(file.path)
  if (/v[-_ ]?pred|[-_. ]v[-_]?parameteri[sz]ation/i.test(name)) return found(true, 'its name')
  if (/eps(ilon)?[-_ ]?pred/i.test(name)) return found(false, 'its name')
  if (family !== 'sd2') return found(false, 'the custom of its family')
  if (/512|base|inpaint/i.test(name)) return found(false, 'its name, which is that of a 512-pixel SD 2')
  return found(true, 'the custom of SD 2; --prediction epsilon says otherwise')
}
