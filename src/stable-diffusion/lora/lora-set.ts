import { createHash } from 'node:crypto'
import { OfgenError } from '../../errors.ts'
import type { Graph, StoredTensor, Value } from '../../onnx/graph.ts'
import type { WeightSource } from '../../onnx/scope.ts'
import { ldmUnetName, type LdmUnetShape } from '../checkpoint/ldm-unet.ts'
import type { LoraMisfit } from './lora-delta.ts'
import { openLora, type LoraFile, type LoraModule } from './lora-file.ts'
import { mergedBias, mergedWeight, type LoraChange } from './lora-merge.ts'
import { underscored, type LoraPart } from './lora-keys.ts'

/** A LoRA to be used, and how strongly. */
export interface LoraChoice {
  readonly path: string
  /** 1 is as it was trained; 0 leaves the model as it is, negative values lead away. */
  readonly weight: number
  /** For the UNet, where it differs from that for the text encoders. */
  readonly unetWeight?: number | undefined
}

/** LoRAs on their way into a model's weights. */
export interface LoraSet {
  /** Hash of what they are and how strongly they act; empty where there are none. */
  readonly hash: string
  /**
   * The weights of a part of the model with the LoRAs in them. Only what they change is computed, when a graph is loaded.
   *
   * @param shape Of the UNet, whose modules some LoRAs name by their place in it.
   */
  on(part: LoraPart, source: WeightSource, shape?: LdmUnetShape): WeightSource
  /**
   * What to tell the user, when all graphs are built: tensors that changed nothing.
   *
   * @throws OfgenError model_invalid if one of the LoRAs changed nothing at all.
   */
  report(): string[]
}

/** @throws OfgenError as `openLora`; `on`'s sources throw model_invalid where a LoRA does not fit the model. */
export function openLoras(choices: readonly LoraChoice[]): LoraSet {
  const loras = choices.map((choice) => ({ ...choice, file: openLora(choice.path), used: new Set<LoraModule>() }))
  const sources = new Map<LoraPart, WeightSource>()
  return {
    hash:
      loras.length === 0
        ? ''
        : createHash('sha256')
            .update(JSON.stringify(loras.map(({ file, weight, unetWeight }) => [file.hash, weight, unetWeight ?? weight])))
            .digest('hex')
            .slice(0, 32),
    on(part, source, shape) {
      sources.set(part, source)
      return loras.length === 0
        ? source
        : {
            ...source,
            change: (graph, name, tensor) => changed(loras, { part, source, shape, graph, name, dims: tensor.dims }, tensor),
          }
    },
    report: () => loras.flatMap(({ file, used }) => reportOf(file, used, sources)),
  }
}

interface OpenLora extends LoraChoice {
  readonly file: LoraFile
  readonly used: Set<LoraModule>
}

interface Place {
  readonly part: LoraPart
  readonly source: WeightSource
  readonly shape: LdmUnetShape | undefined
  readonly graph: Graph
  readonly name: string
  readonly dims: readonly number[]
}

function changed(loras: readonly OpenLora[], place: Place, stored: StoredTensor): Value | undefined {
  const { part, shape, graph, name } = place
  const [, module, tensor] = /^(.*)\.(weight|bias)$/.exec(name) ?? []
  if (module === undefined) return undefined
  const ldm = part === 'unet' && shape !== undefined ? ldmUnetName(module, shape) : undefined
  const names = [module, ...(ldm === undefined ? [] : [ldm])].map(underscored)
  const changes = loras.flatMap(({ file, used, weight, unetWeight }): LoraChange[] => {
    const found = names.map((one) => file.parts[part].get(one)).find((one) => one !== undefined)
    if (found === undefined) return []
    used.add(found)
    const factor = part === 'unet' ? (unetWeight ?? weight) : weight
    return [{ module: found, factor, refuse: (error) => misfit(file, found, place, error) }]
  })
  if (tensor === 'bias') return mergedBias(graph, stored, changes)
  const whole = changes.filter(({ module: { tensors } }) => !tensors.has('biasDifference') || tensors.size > 1)
  return whole.length === 0 ? undefined : mergedWeight(graph, stored, whole)
}

function misfit(file: LoraFile, module: LoraModule, { source, name, dims }: Place, { message }: LoraMisfit): OfgenError {
  const family = file.family === undefined ? '' : `, and it was made for ${file.family}`
  return new OfgenError(
    'model_invalid',
    `The LoRA ${file.path} does not fit ${source.title}: "${module.name}" is ${message}, the model's "${name}" is [${dims.join(', ')}]${family}.`,
    { hint: 'A LoRA only works with the family it was trained on (Stable Diffusion 1, 2 or XL).' },
  )
}

function reportOf(file: LoraFile, used: ReadonlySet<LoraModule>, sources: ReadonlyMap<LoraPart, WeightSource>): string[] {
  const modules = Object.entries(file.parts).flatMap(([part, all]) =>
    [...all].map(([key, module]) => ({ key, module, source: sources.get(part as LoraPart) })),
  )
  const idle = modules
    .filter(({ key, module, source }) => !used.has(module) && !isSkippedLayer(key, source))
    .map(({ module }) => module.name)
  if (idle.length === modules.length)
    throw new OfgenError(
      'model_invalid',
      `The LoRA ${file.path} fits nothing in this model: none of its ${modules.length} modules is there (${firstOf(idle)})${file.family === undefined ? '' : `; it was made for ${file.family}`}.`,
      { hint: 'A LoRA only works with the family it was trained on (Stable Diffusion 1, 2 or XL).' },
    )
  const sentences: string[] = []
  if (idle.length > 0)
    sentences.push(
      `LoRA ${file.name}: ${idle.length} of ${modules.length} modules are not in this model and change nothing (${firstOf(idle)}).`,
    )
  if (file.unknown.length > 0)
    sentences.push(
      `LoRA ${file.name}: ${file.unknown.length} tensors are of no known form and change nothing (${firstOf(file.unknown)}).`,
    )
  return sentences
}

/** Whether a module is one of a text encoder's layers that the prompt does not pass, as SDXL's last ones. */
function isSkippedLayer(key: string, source: WeightSource | undefined): boolean {
  const [, layer, inner] = /^encoder_layers_(\d+)_((?:self_attn_(?:[qkv]|out)_proj)|mlp_fc[12])$/.exec(key) ?? []
  if (layer === undefined || source === undefined) return false
  const name = `encoder.layers.${layer}.${inner!.replace(/^(self_attn|mlp)_/, '$1.')}.weight`
  return source.has(name) || source.has(`text_model.${name}`)
}

function firstOf(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '')
}
