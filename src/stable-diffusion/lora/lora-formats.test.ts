import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import '../../../test/session-host.ts'
import { maxDifference, writeSafetensors, writtenWeights, type TensorToWrite } from '../../../test/safetensors.ts'
import { startEngine } from '../../onnx/engine.ts'
import { Graph } from '../../onnx/graph.ts'
import { scope } from '../../onnx/scope.ts'
import { floatTensor } from '../../onnx/tensor.ts'
import { parseLoraKey } from './lora-keys.ts'
import { openLoras, type LoraChoice } from './lora-set.ts'

// Single weights, against the formulas of the formats written out in loops.

const goldens = fileURLToPath(new URL('../../../test/goldens/', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ofgen-lora-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(scratch, { recursive: true })
})

let seed = 1
/** Numbers without order, the next ones at every call. */
function some(...dims: number[]): TensorToWrite & { readonly data: Float32Array } {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => Math.sin(seed++ * 12.9898) * 0.7)
  return { dtype: 'F32', dims, data }
}
const alpha = (value: number): TensorToWrite => ({ dtype: 'F32', dims: [], data: Float32Array.of(value) })

let count = 0
function lora(tensors: Readonly<Record<string, TensorToWrite>>, weight = 1, metadata?: Record<string, string>): LoraChoice {
  const path = join(scratch, `${count++}.safetensors`)
  writeSafetensors(path, tensors, metadata)
  return { path, weight }
}

const name = 'mid_block.attentions.0.proj_in.weight'
const module = 'lora_unet_mid_block_attentions_0_proj_in'

/** The weight as a network with these LoRAs has it. */
async function merged(base: TensorToWrite, choices: readonly LoraChoice[], which = name): Promise<Float32Array> {
  const source = writtenWeights(join(scratch, `base-${count++}.safetensors`), { [which]: base })
  const set = openLoras(choices)
  const graph = new Graph('weight')
  const nothing = graph.input('x', 'float32', [1])
  const weight = scope(graph, set.on('unet', source)).weight(which, base.dims)
  graph.output('y', graph.node('Add', [weight, nothing]), 'float32', base.dims)
  set.report()
  const session = await engine.load(graph.toModel(), { optimization: 'basic' })
  const { outputs } = await session.run({ x: floatTensor(new Float32Array(1), [1]) })
  await session.release()
  return outputs['y']!.data as Float32Array
}

type Numbers = ReturnType<typeof some>
const at = ({ dims, data }: Numbers, ...place: number[]): number =>
  data[place.reduce((index, i, side) => index * dims[side]! + i, 0)]!
const sum = (length: number, of: (i: number) => number): number =>
  Array.from({ length }, (_, i) => of(i)).reduce((a, b) => a + b, 0)

/** Every value of a weight of `dims` from its place. */
function filled(dims: readonly number[], of: (...place: number[]) => number): Float32Array {
  const length = dims.reduce((a, b) => a * b, 1)
  return Float32Array.from({ length }, (_, index) => {
    const place: number[] = []
    for (let side = dims.length - 1, rest = index; side >= 0; rest = Math.floor(rest / dims[side]!), side--)
      place.unshift(rest % dims[side]!)
    return of(...place)
  })
}
const close = (actual: Float32Array, expected: Float32Array): void => expect(maxDifference(actual, expected)).toBeLessThan(1e-5)

describe('forms', () => {
  const linear = some(6, 8)
  const conv = some(6, 8, 3, 3)

  test('LoCon with a core', async () => {
    const [up, mid, down] = [some(6, 2, 1, 1), some(2, 2, 3, 3), some(2, 8, 1, 1)]
    const file = lora(
      {
        [`${module}.lora_up.weight`]: up,
        [`${module}.lora_mid.weight`]: mid,
        [`${module}.lora_down.weight`]: down,
        [`${module}.alpha`]: alpha(1),
      },
      0.8,
    )
    const expected = filled(
      conv.dims,
      (i, j, k, l) =>
        at(conv, i!, j!, k!, l!) +
        0.8 * 0.5 * sum(2, (n) => sum(2, (m) => at(up, i!, n, 0, 0) * at(mid, n, m, k!, l!) * at(down, m, j!, 0, 0))),
    )
    close(await merged(conv, [file]), expected)
  })

  test('LoHa, of linear layers and with cores', async () => {
    const [a, b, c, d] = [some(6, 3), some(3, 8), some(6, 3), some(3, 8)]
    const names = ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'].map((slot) => `${module}.${slot}`)
    const file = lora({ [names[0]!]: a, [names[1]!]: b, [names[2]!]: c, [names[3]!]: d, [`${module}.alpha`]: alpha(1.5) })
    const expected = filled(
      linear.dims,
      (i, j) =>
        at(linear, i!, j!) + 0.5 * sum(3, (r) => at(a, i!, r) * at(b, r, j!)) * sum(3, (r) => at(c, i!, r) * at(d, r, j!)),
    )
    close(await merged(linear, [file]), expected)

    const [ua, ub, uc, ud, t1, t2] = [some(3, 6), some(3, 8), some(3, 6), some(3, 8), some(3, 3, 3, 3), some(3, 3, 3, 3)]
    const cored = lora({
      [names[0]!]: ua,
      [names[1]!]: ub,
      [names[2]!]: uc,
      [names[3]!]: ud,
      [`${module}.hada_t1`]: t1,
      [`${module}.hada_t2`]: t2,
    })
    const half = (t: Numbers, wa: Numbers, wb: Numbers, [r, s, k, l]: number[]): number =>
      sum(3, (i) => sum(3, (j) => at(t, i, j, k!, l!) * at(wa, i, r!) * at(wb, j, s!)))
    const wanted = filled(conv.dims, (...place) => at(conv, ...place) + half(t1, ua, ub, place) * half(t2, uc, ud, place))
    close(await merged(conv, [cored]), wanted)
  })

  test('LoKr, whole, split and with a core', async () => {
    const [w1, w2] = [some(2, 4), some(3, 2)]
    const whole = lora({ [`${module}.lokr_w1`]: w1, [`${module}.lokr_w2`]: w2, [`${module}.alpha`]: alpha(17) })
    const kron = filled(
      linear.dims,
      (i, j) => at(linear, i!, j!) + at(w1, Math.floor(i! / 3), Math.floor(j! / 2)) * at(w2, i! % 3, j! % 2),
    )
    close(await merged(linear, [whole]), kron)

    const [w1a, w1b, w2a, w2b] = [some(2, 2), some(2, 4), some(3, 2), some(2, 2 * 9)]
    const split = lora({
      [`${module}.lokr_w1_a`]: w1a,
      [`${module}.lokr_w1_b`]: w1b,
      [`${module}.lokr_w2_a`]: w2a,
      [`${module}.lokr_w2_b`]: w2b,
      [`${module}.alpha`]: alpha(1),
    })
    const small = (l: number, m: number): number => sum(2, (r) => at(w1a, l, r) * at(w1b, r, m))
    const parts = filled(
      conv.dims,
      (i, j, k, l) =>
        at(conv, i!, j!, k!, l!) +
        0.5 *
          small(Math.floor(i! / 3), Math.floor(j! / 2)) *
          sum(2, (r) => at(w2a, i! % 3, r) * at(w2b, r, (j! % 2) * 9 + k! * 3 + l!)),
    )
    close(await merged(conv, [split]), parts)

    const [va, vb, core] = [some(2, 3), some(2, 2), some(2, 2, 3, 3)]
    const cored = lora({
      [`${module}.lokr_w1`]: w1,
      [`${module}.lokr_w2_a`]: va,
      [`${module}.lokr_w2_b`]: vb,
      [`${module}.lokr_t2`]: core,
    })
    const wanted = filled(
      conv.dims,
      (i, j, k, l) =>
        at(conv, i!, j!, k!, l!) +
        at(w1, Math.floor(i! / 3), Math.floor(j! / 2)) *
          sum(2, (p) => sum(2, (q) => at(core, p, q, k!, l!) * at(va, p, i! % 3) * at(vb, q, j! % 2))),
    )
    close(await merged(conv, [cored]), wanted)
  })

  test.each([
    ['rows', [6, 1]],
    ['columns', [1, 8]],
  ] as const)('DoRA brings %s to their lengths, and a weight goes part of the way', async (_, dims) => {
    const [up, down, scale] = [some(6, 2), some(2, 8), some(...dims)]
    const tensors = {
      [`${module}.lora_up.weight`]: up,
      [`${module}.lora_down.weight`]: down,
      [`${module}.dora_scale`]: scale,
      [`${module}.alpha`]: alpha(1),
    }
    const moved = filled(linear.dims, (i, j) => at(linear, i!, j!) + 0.5 * sum(2, (r) => at(up, i!, r) * at(down, r, j!)))
    const v = (i: number, j: number): number => moved[i * 8 + j]!
    const length = (i: number, j: number): number =>
      dims[0] === 6
        ? Math.hypot(...Array.from({ length: 8 }, (_, n) => v(i, n)))
        : Math.hypot(...Array.from({ length: 6 }, (_, n) => v(n, j)))
    const whole = filled(linear.dims, (i, j) => (v(i!, j!) * scale.data[dims[0] === 6 ? i! : j!]!) / length(i!, j!))
    close(await merged(linear, [lora(tensors)]), whole)
    close(
      await merged(linear, [lora(tensors, 0.3)]),
      whole.map((value, i) => linear.data[i]! + 0.3 * (value - linear.data[i]!)),
    )
  })

  test('whole differences, of weights and biases', async () => {
    const [difference, bias, base] = [some(6, 8), some(6), some(6)]
    const file = lora({ [`${module}.diff`]: difference, [`${module}.diff_b`]: bias }, -0.5)
    close(
      await merged(linear, [file]),
      linear.data.map((value, i) => value - 0.5 * difference.data[i]!),
    )
    close(
      await merged(base, [file], 'mid_block.attentions.0.proj_in.bias'),
      base.data.map((value, i) => value - 0.5 * bias.data[i]!),
    )
  })

  test("PEFT's alpha stands in the metadata; several LoRAs add up", async () => {
    const [a, b] = [some(4, 8), some(6, 4)]
    const tensors = {
      'unet.mid_block.attentions.0.proj_in.lora_A.weight': a,
      'unet.mid_block.attentions.0.proj_in.lora_B.weight': b,
    }
    const settings = (more: object): Record<string, string> => ({
      lora_adapter_metadata: JSON.stringify({ 'unet.lora_alpha': 8, ...more }),
    })
    const delta = filled(linear.dims, (i, j) => sum(4, (r) => at(b, i!, r) * at(a, r, j!)))
    const plus = (factor: number): Float32Array => linear.data.map((value, i) => value + factor * delta[i]!)
    close(await merged(linear, [lora(tensors, 1, settings({}))]), plus(2))
    close(await merged(linear, [lora(tensors, 1, settings({ 'unet.use_rslora': true }))]), plus(4))
    close(await merged(linear, [lora(tensors, 0.5), lora(tensors, 0.25)]), plus(0.75))
  })

  test('a linear layer of a LoRA fits a 1x1 convolution', async () => {
    const [up, down, base] = [some(6, 2), some(2, 8), some(6, 8, 1, 1)]
    const delta = filled([6, 8], (i, j) => at(base, i!, j!, 0, 0) + sum(2, (r) => at(up, i!, r) * at(down, r, j!)))
    close(await merged(base, [lora({ [`${module}.lora_up.weight`]: up, [`${module}.lora_down.weight`]: down })]), delta)
  })
})

test.each([
  ['lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight', 'text', 'encoder_layers_0_mlp_fc1', 'up'],
  ['lora_te2_text_model_encoder_layers_3_self_attn_q_proj.hada_w2_b', 'text2', 'encoder_layers_3_self_attn_q_proj', 'hada_w2_b'],
  [
    'text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight',
    'text',
    'encoder_layers_0_self_attn_q_proj',
    'down',
  ],
  [
    'unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight',
    'unet',
    'mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0',
    'up',
  ],
  ['base_model.model.mid_block.resnets.0.conv1.lora_A.default.weight', 'unet', 'mid_block_resnets_0_conv1', 'down'],
  ['unet.conv_in.lora_magnitude_vector', 'unet', 'conv_in', 'magnitude'],
  ['diffusion_model.input_blocks.1.1.proj_in.lora_A.weight', 'unet', 'input_blocks_1_1_proj_in', 'down'],
  ['lora_unet_input_blocks_1_0_emb_layers_1.lokr_t2', 'unet', 'input_blocks_1_0_emb_layers_1', 'lokr_t2'],
])('%s is understood', (key, part, module, slot) => {
  expect(parseLoraKey(key)).toEqual({ part, module, slot })
})

describe('what does not fit', () => {
  const base = some(6, 8)
  const pair = (rows: number, columns: number): Record<string, TensorToWrite> => ({
    [`${module}.lora_up.weight`]: some(rows, 2),
    [`${module}.lora_down.weight`]: some(2, columns),
  })

  test('other dimensions are refused, naming file, module and both dimensions', async () => {
    const file = lora(pair(6, 2048), 1, { ss_base_model_version: 'sdxl_base_v1-0' })
    await expect(merged(base, [file])).rejects.toThrow(
      /The LoRA .*\.safetensors does not fit .*base-\d+\.safetensors: "lora_unet_mid_block_attentions_0_proj_in" is \[6, 2048\], the model's "mid_block\.attentions\.0\.proj_in\.weight" is \[6, 8\], and it was made for SDXL\./,
    )
  })

  test('a LoRA without one of its halves is refused', async () => {
    await expect(merged(base, [lora({ [`${module}.lora_up.weight`]: some(6, 2) })])).rejects.toThrow(
      'is incomplete, it has no down',
    )
  })

  test('one that fits nothing at all is refused, one that fits in part is told', async () => {
    const elsewhere = {
      'lora_unet_single_blocks_0_linear1.lora_up.weight': some(2, 2),
      'lora_unet_single_blocks_0_linear1.lora_down.weight': some(2, 2),
    }
    await expect(merged(base, [lora(elsewhere)])).rejects.toThrow(
      'fits nothing in this model: none of its 1 modules is there (lora_unet_single_blocks_0_linear1)',
    )
    const source = writtenWeights(join(scratch, 'part.safetensors'), { [name]: base })
    const set = openLoras([lora({ ...pair(6, 8), ...elsewhere, bundle_emb: some(1) })])
    scope(new Graph('weight'), set.on('unet', source)).weight(name, base.dims)
    expect(set.report()).toEqual([
      expect.stringMatching(
        /^LoRA .*: 1 of 2 modules are not in this model and change nothing \(lora_unet_single_blocks_0_linear1\)\.$/,
      ),
      expect.stringMatching(/^LoRA .*: 1 tensors are of no known form and change nothing \(bundle_emb\)\.$/),
    ])
  })

  test('files that are no LoRA, and damaged ones, are refused', () => {
    const checkpoint = `${goldens}tiny-sd15/unet/diffusion_pytorch_model.safetensors`
    expect(() => openLoras([{ path: checkpoint, weight: 1 }])).toThrow(/is no LoRA: none of its \d+ tensors/)
    const cut = join(scratch, 'cut.safetensors')
    writeFileSync(cut, readFileSync(`${goldens}lora/kohya-a.safetensors`).subarray(0, 50_000))
    expect(() => openLoras([{ path: cut, weight: 1 }])).toThrow('is truncated')
    expect(() => openLoras([{ path: join(scratch, 'none.safetensors'), weight: 1 }])).toThrow('cannot be opened')
  })

  test('the hash follows content and weights', () => {
    const [first, second] = [lora(pair(6, 8)), lora(pair(6, 8))]
    const hash = (...choices: LoraChoice[]): string => openLoras(choices).hash
    expect(hash()).toBe('')
    expect(
      new Set([hash(first), hash(second), hash(first, second), hash(second, first), hash({ ...first, weight: 0.5 })]).size,
    ).toBe(5)
  })
})
