import { z } from 'zod'
import { elementTypes, Graph, type Value } from '../onnx/graph.ts'
import { attention, gelu, layerNorm, linear, quickGelu } from '../onnx/layers.ts'
import { scope, type Scope, type WeightSource } from '../onnx/scope.ts'
import { sequences } from './tokens.ts'

/** The part of a CLIPTextModel's `config.json` that decides its layers. */
export const textEncoderConfigSchema = z.object({
  hidden_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive().default(77),
  vocab_size: z.int().positive().default(49408),
  hidden_act: z.enum(['quick_gelu', 'gelu']).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: z.int().positive().nullish(),
})

export type TextEncoderConfig = z.output<typeof textEncoderConfigSchema>

export interface TextEncoderBuildOptions {
  /** Layers at the end that the states do not pass: "clip skip" less one. */
  readonly skip?: number
  /** Whether the states get the final norm (SD 1, SD 2) or not (SDXL). */
  readonly normed?: boolean
  /** Id of the token whose state, projected, is the pooled prompt of SDXL; without it there is no such result. */
  readonly pooledAt?: number | undefined
  /** Vectors of the ids behind the vocabulary, `[ids * hidden_size]`: textual inversion. */
  readonly added?: Float32Array | undefined
}

/**
 * CLIP's text encoder. Input `input_ids` int32 `[batch, max_position_embeddings]`, result `last_hidden_state`
 * `[batch, max_position_embeddings, hidden_size]`, normed and of the last layer where `options` do not say otherwise; with
 * `pooledAt` also `text_embeds` `[batch, projection_dim]`. Attention is causal, padding is not masked.
 *
 * @throws OfgenError model_invalid as `buildUnet`.
 * @see Radford et al. 2021, arXiv:2103.00020
 */
export function buildTextEncoder(
  config: TextEncoderConfig,
  weights: WeightSource,
  { skip = 0, normed = true, pooledAt, added }: TextEncoderBuildOptions = {},
): Uint8Array {
  const graph = new Graph('text_encoder')
  const { hidden_size: width, max_position_embeddings: tokens, num_hidden_layers: layers } = config
  // Published checkpoints begin their names with `text_model.`, folders saved by newer libraries leave it out.
  const outer = scope(graph, weights)
  const root = outer.has('embeddings.token_embedding.weight') ? outer : outer.at('text_model')
  const ids = graph.input('input_ids', 'int32', ['batch', tokens])
  const toSequence = sequences(graph, ids)

  // The table stays as it is stored; only the rows that are looked up become float32.
  const table = root.at('embeddings').stored('token_embedding.weight', [config.vocab_size, width])
  const lookedUp = (which: Value): Value => graph.node('Cast', [graph.node('Gather', [table, which])], { to: 1 })
  const looked = added === undefined ? lookedUp(ids) : withAdded(added, lookedUp)
  const placed = graph.node('Add', [looked, root.at('embeddings').weight('position_embedding.weight', [tokens, width])])
  let rows = graph.node('Reshape', [placed, graph.ints([-1, width])])
  for (let i = 0; i < layers - skip; i++) rows = layer(root.at(`encoder.layers.${i}`), rows)
  const states = normed ? norm(root.at('final_layer_norm'), rows) : rows
  graph.output('last_hidden_state', toSequence(states, width), 'float32', ['batch', tokens, width])
  if (pooledAt !== undefined) {
    for (let i = layers - skip; i < layers; i++) rows = layer(root.at(`encoder.layers.${i}`), rows)
    const all = toSequence(norm(root.at('final_layer_norm'), rows), width)
    const projection = config.projection_dim ?? width
    graph.output('text_embeds', projected(stateAt(all, pooledAt), projection), 'float32', ['batch', projection])
  }
  return graph.toModel()

  /** Ids behind the vocabulary are looked up among the vectors that were added, the others in the table. */
  function withAdded(vectors: Float32Array, lookedUp: (which: Value) => Value): Value {
    const whole = (value: number): Value => graph.node('Cast', [graph.scalar(value)], { to: elementTypes.int32 })
    const known = graph.node('Less', [ids, whole(config.vocab_size)])
    const own = lookedUp(graph.node('Min', [ids, whole(config.vocab_size - 1)]))
    const behind = graph.node('Max', [graph.node('Sub', [ids, whole(config.vocab_size)]), whole(0)])
    const other = graph.node('Gather', [graph.floats(vectors, [vectors.length / width, width]), behind])
    return graph.node('Where', [graph.node('Unsqueeze', [known, graph.ints([2])]), own, other])
  }

  /** `[batch, width]`: the state at the first place of an id. */
  function stateAt(all: Value, id: number): Value {
    const same = graph.node('Equal', [ids, graph.node('Cast', [graph.scalar(id)], { to: elementTypes.int32 })])
    const place = graph.node('ArgMax', [graph.node('Cast', [same], { to: elementTypes.int32 })], { axis: 1, keepdims: 1 })
    return graph.node('GatherND', [all, place], { batch_dims: 1 })
  }

  /** OpenCLIP stores the transpose, under a name of its own. */
  function projected(state: Value, projection: number): Value {
    if (!outer.has('text_projection'))
      return linear(outer.at('text_projection'), state, { in: width, out: projection, bias: false })
    return graph.node('Gemm', [state, outer.weight('text_projection', [width, projection])])
  }

  function layer(at: Scope, x: Value): Value {
    const square = { in: width, out: width }
    const project = (name: string, rows: Value): Value => toSequence(linear(at.at(`self_attn.${name}`), rows, square), width)
    const seen = norm(at.at('layer_norm1'), x)
    const [query, key, value] = ['q_proj', 'k_proj', 'v_proj'].map((name) => project(name, seen)) as [Value, Value, Value]
    const attended = attention(graph, query, key, value, { heads: config.num_attention_heads, width, causal: true })
    const flat = graph.node('Reshape', [attended, graph.ints([-1, width])])
    const y = graph.node('Add', [linear(at.at('self_attn.out_proj'), flat, square), x])
    const hidden = linear(at.at('mlp.fc1'), norm(at.at('layer_norm2'), y), { in: width, out: config.intermediate_size })
    const active = config.hidden_act === 'gelu' ? gelu(graph, hidden) : quickGelu(graph, hidden)
    return graph.node('Add', [linear(at.at('mlp.fc2'), active, { in: config.intermediate_size, out: width }), y])
  }

  function norm(at: Scope, x: Value): Value {
    return layerNorm(at, x, { channels: width, epsilon: config.layer_norm_eps })
  }
}
