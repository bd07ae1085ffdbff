import { basename } from 'node:path'
import { OfgenError } from '../../errors.ts'
import type { StoredTensor } from '../../onnx/graph.ts'
import { hashFiles } from '../checkpoint/hash.ts'
import { openTensorFile } from '../checkpoint/open-tensor-file.ts'
import { readTensor, storedTensor, type TensorFile } from '../checkpoint/tensor-file.ts'
import { parseLoraKey, type LoraPart, type LoraSlot } from './lora-keys.ts'

/** What a LoRA does to one module. */
export interface LoraModule {
  /** As the file names it, for messages. */
  readonly name: string
  readonly tensors: ReadonlyMap<LoraSlot, StoredTensor>
  /** Absent: as large as the rank. */
  readonly alpha: number | undefined
}

/** A LoRA file whose names were understood; nothing is known yet of whether it fits a model. */
export interface LoraFile {
  readonly path: string
  readonly name: string
  readonly hash: string
  readonly parts: Readonly<Record<LoraPart, ReadonlyMap<string, LoraModule>>>
  /** Tensors of no known form. */
  readonly unknown: readonly string[]
  /** The family it was made for, where the file tells. */
  readonly family: string | undefined
}

interface Draft {
  readonly name: string
  readonly tensors: Map<LoraSlot, StoredTensor>
  alpha: number | undefined
}

/**
 * Reads the names in a LoRA file: kohya's, PEFT's and those of diffusers before it; LoRA, LoCon, LoHa, LoKr, DoRA and plain differences.
 *
 * @throws OfgenError model_missing, model_invalid for damaged files and files that hold no LoRA.
 */
export function openLora(path: string): LoraFile {
  const file = openTensorFile(path)
  const drafts: Record<LoraPart, Map<string, Draft>> = { unet: new Map(), text: new Map(), text2: new Map() }
  const unknown: string[] = []
  for (const key of file.tensors.keys()) {
    const parsed = parseLoraKey(key)
    if (parsed === undefined) {
      unknown.push(key)
      continue
    }
    const modules = drafts[parsed.part]
    const draft = modules.get(parsed.module) ?? {
      name: key.replace(/\.[^.]*(?:\.weight)?$/, ''),
      tensors: new Map(),
      alpha: undefined,
    }
    modules.set(parsed.module, draft)
    if (parsed.slot === 'alpha') draft.alpha = readTensor(file, key)[0]
    else draft.tensors.set(parsed.slot, storedTensor(file, key)!)
  }
  if (Object.values(drafts).every((modules) => modules.size === 0))
    throw new OfgenError('model_invalid', `${path} is no LoRA: none of its ${file.tensors.size} tensors has a name of one.`, {
      hint: checkpointLike(file)
        ? 'It looks like a whole checkpoint: give it as --model.'
        : 'LoRA, LoCon, LoHa, LoKr and DoRA files of Stable Diffusion 1, 2 and XL are read, as kohya, LyCORIS, PEFT and diffusers write them.',
    })
  for (const [part, modules] of Object.entries(drafts))
    for (const draft of modules.values()) draft.alpha ??= alphaFromMetadata(file, part as LoraPart, draft)
  return {
    path,
    name: basename(path),
    hash: hashFiles(path, [path]),
    parts: drafts,
    unknown,
    family: familyOf(file, drafts.unet),
  }
}

function checkpointLike({ tensors }: TensorFile): boolean {
  return [...tensors.keys()].some((key) => key.startsWith('model.diffusion_model.') || key.endsWith('conv_in.weight'))
}

/** PEFT keeps its alpha beside the tensors. */
function alphaFromMetadata({ metadata }: TensorFile, part: LoraPart, { tensors }: Draft): number | undefined {
  const text = metadata['lora_adapter_metadata']
  const down = tensors.get('down')
  if (text === undefined || down === undefined) return undefined
  let settings: unknown
  try {
    settings = JSON.parse(text)
  } catch {
    return undefined
  }
  const prefix = { unet: 'unet', text: 'text_encoder', text2: 'text_encoder_2' }[part]
  const alpha = (settings as Record<string, unknown> | null)?.[`${prefix}.lora_alpha`]
  const root = (settings as Record<string, unknown> | null)?.[`${prefix}.use_rslora`] === true
  if (typeof alpha !== 'number') return undefined
  return root ? alpha * Math.sqrt(down.dims[0]!) : alpha
}

const widths: Readonly<Record<number, string>> = { 768: 'Stable Diffusion 1', 1024: 'Stable Diffusion 2', 2048: 'SDXL' }

/** By what trainers note, else by the width of the prompt that cross-attention looks at. */
function familyOf({ metadata }: TensorFile, modules: ReadonlyMap<string, Draft>): string | undefined {
  const noted = metadata['ss_base_model_version'] ?? metadata['modelspec.architecture'] ?? ''
  if (/sdxl|stable-diffusion-xl/.test(noted)) return 'SDXL'
  if (/sd_v1|sd_1|stable-diffusion-v1/.test(noted)) return 'Stable Diffusion 1'
  if (/sd_v2|sd_2|stable-diffusion-v2/.test(noted)) return 'Stable Diffusion 2'
  for (const [module, { tensors }] of modules)
    if (module.endsWith('attn2_to_k')) return widths[(tensors.get('down') ?? tensors.get('hada_w1_b'))?.dims[1] ?? 0]
  return undefined
}
