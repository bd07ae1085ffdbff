import type { TensorEntry } from './tensor-file.ts'
import type { Place } from './weights.ts'

const openClipTops: Readonly<Record<string, string>> = {
  'embeddings.token_embedding.weight': 'token_embedding.weight',
  'embeddings.position_embedding.weight': 'positional_embedding',
  'final_layer_norm.weight': 'ln_final.weight',
  'final_layer_norm.bias': 'ln_final.bias',
}

/**
 * Where OpenCLIP's layout (SD 2, SDXL's second encoder) keeps a weight of CLIP's text encoder, without prefix: queries, keys
 * and values are stacked in one matrix. Its `text_projection` is the transpose of CLIP's `text_projection.weight` and keeps
 * its name, by which the text encoder's graph tells them apart.
 */
export function openClipPlace(name: string): Place {
  const top = openClipTops[name]
  if (top !== undefined) return { name: top }
  const match = /^encoder\.layers\.(\d+)\.(.*)$/.exec(name)
  if (match === null) return { name }
  const head = `transformer.resblocks.${match[1]}.`
  const rest = match[2]!
  const stacked = /^self_attn\.([qkv])_proj\.(weight|bias)$/.exec(rest)
  if (stacked !== null) return { name: `${head}attn.in_proj_${stacked[2]}`, slice: { index: 'qkv'.indexOf(stacked[1]!), of: 3 } }
  const own = rest
    .replace(/^self_attn\b/, 'attn')
    .replace(/^layer_norm/, 'ln_')
    .replace('mlp.fc1', 'mlp.c_fc')
    .replace('mlp.fc2', 'mlp.c_proj')
  return { name: head + own }
}

/** The `config.json` of a text encoder in OpenCLIP's layout below `prefix`; undefined if there is none. Heads have 64 channels. */
export function openClipConfig(tensors: ReadonlyMap<string, TensorEntry>, prefix: string): Record<string, unknown> | undefined {
  return textConfig(tensors, {
    table: `${prefix}token_embedding.weight`,
    places: `${prefix}positional_embedding`,
    hidden: (layer) => `${prefix}transformer.resblocks.${layer}.mlp.c_fc.weight`,
    activation: 'gelu',
    projection: tensors.get(`${prefix}text_projection`)?.dims[1],
  })
}

/** The same for CLIP's own layout, as transformers writes it. */
export function clipConfig(tensors: ReadonlyMap<string, TensorEntry>, prefix: string): Record<string, unknown> | undefined {
  return textConfig(tensors, {
    table: `${prefix}embeddings.token_embedding.weight`,
    places: `${prefix}embeddings.position_embedding.weight`,
    hidden: (layer) => `${prefix}encoder.layers.${layer}.mlp.fc1.weight`,
    activation: 'quick_gelu',
    projection: undefined,
  })
}

interface TextTensors {
  readonly table: string
  readonly places: string
  readonly hidden: (layer: number) => string
  readonly activation: string
  readonly projection: number | undefined
}

function textConfig(tensors: ReadonlyMap<string, TensorEntry>, names: TextTensors): Record<string, unknown> | undefined {
  const table = tensors.get(names.table)?.dims
  if (table === undefined) return undefined
  let layers = 0
  while (tensors.has(names.hidden(layers))) layers++
  return {
    vocab_size: table[0],
    hidden_size: table[1],
    max_position_embeddings: tensors.get(names.places)?.dims[0],
    num_hidden_layers: layers,
    num_attention_heads: Math.max(1, Math.round(table[1]! / 64)),
    intermediate_size: tensors.get(names.hidden(0))?.dims[0],
    hidden_act: names.activation,
    projection_dim: names.projection,
  }
}
