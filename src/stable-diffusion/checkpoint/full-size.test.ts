import { describe, expect, test } from 'vitest'
import type { WeightSource } from '../../onnx/scope.ts'
import { buildTextEncoder, textEncoderConfigSchema } from '../text-encoder.ts'
import { unetConfigSchema } from '../unet-config.ts'
import { buildUnet } from '../unet.ts'
import { buildKlDecoder, buildKlEncoder, klConfigSchema } from '../vae.ts'
import { clipConfig, openClipConfig, openClipPlace } from './clip-layout.ts'
import { ldmUnetConfig, ldmUnetName } from './ldm-unet.ts'
import { klConfigOf, ldmVaeName } from './ldm-vae.ts'
import { recognise, unetPrefix } from './recognise.ts'
import type { TensorEntry } from './tensor-file.ts'

// Full-size checkpoints are known by their published configs; their tensors are listed by building the graphs.

type Asked = Map<string, readonly number[]>

/** A source that has whatever it is asked for, and remembers it. */
function everything(asked: Asked): WeightSource {
  return {
    title: 'everything',
    has: (name) => name === 'text_projection.weight' || !/^(text_projection|embeddings)/.test(name),
    find(name, dims) {
      asked.set(name, dims)
      return { file: '/weights', offset: asked.size, length: 0, type: 'float16', dims }
    },
  }
}

function listed(asked: Asked, place: (name: string) => string): Map<string, TensorEntry> {
  return new Map([...asked].map(([name, dims]) => [place(name), { dtype: 'F16', dims, offset: 0, length: 0 }]))
}

const cross = ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D']
const crossUp = ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D']
const unets = {
  'Stable Diffusion 1.5': {
    family: 'sd1',
    tensors: 686,
    config: {
      in_channels: 4,
      block_out_channels: [320, 640, 1280, 1280],
      down_block_types: cross,
      up_block_types: crossUp,
      attention_head_dim: 8,
      cross_attention_dim: 768,
      use_linear_projection: false,
    },
  },
  'Stable Diffusion 1.5, inpainting': {
    family: 'sd1',
    tensors: 686,
    config: {
      in_channels: 9,
      block_out_channels: [320, 640, 1280, 1280],
      down_block_types: cross,
      up_block_types: crossUp,
      attention_head_dim: 8,
      cross_attention_dim: 768,
      use_linear_projection: false,
    },
  },
  'Stable Diffusion 2.1': {
    family: 'sd2',
    tensors: 686,
    config: {
      in_channels: 4,
      block_out_channels: [320, 640, 1280, 1280],
      down_block_types: cross,
      up_block_types: crossUp,
      attention_head_dim: [5, 10, 20, 20],
      cross_attention_dim: 1024,
      use_linear_projection: true,
    },
  },
  'Stable Diffusion XL': {
    family: 'sdxl',
    tensors: 1680,
    config: {
      in_channels: 4,
      block_out_channels: [320, 640, 1280],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
      attention_head_dim: [5, 10, 20],
      cross_attention_dim: 2048,
      use_linear_projection: true,
      transformer_layers_per_block: [1, 2, 10],
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    },
  },
} as const

describe.each(Object.entries(unets))("%s's UNet", (title, { tensors, family, config }) => {
  const parsed = unetConfigSchema.parse({ out_channels: 4, ...config })
  const asked: Asked = new Map()
  buildUnet(parsed, everything(asked))

  test('has as many tensors as the published file', () => {
    expect(asked.size).toBe(tensors)
  })

  test('has LDM names of its own for all of them, off which the config is read', () => {
    const ldm = listed(asked, (name) => unetPrefix + ldmUnetName(name, parsed)!)
    expect(ldm.size).toBe(tensors)
    const {
      attention_head_dim: heads,
      transformer_layers_per_block: depth,
      layers_per_block: layers,
      ...derived
    } = unetConfigSchema.parse({
      ...ldmUnetConfig(ldm, unetPrefix),
      ...('addition_time_embed_dim' in config ? { addition_time_embed_dim: 256 } : {}),
    })
    const {
      attention_head_dim: trueHeads,
      transformer_layers_per_block: trueDepth,
      layers_per_block: trueLayers,
      ...expected
    } = parsed
    const each = (value: number | readonly number[]): readonly number[] =>
      typeof value === 'number' ? parsed.block_out_channels.map(() => value) : value
    expect(derived).toEqual(expected)
    expect(each(heads)).toEqual(each(trueHeads))
    expect(each(depth)).toEqual(each(trueDepth))
    expect(each(layers)).toEqual(each(trueLayers))
    if (title.includes('2.1'))
      ldm.set('cond_stage_model.model.ln_final.weight', { dtype: 'F16', dims: [1024], offset: 0, length: 0 })
    expect(recognise(ldm)).toEqual({ kind: 'checkpoint', family, title: title.replace(/\.\d/, '') })
  })
})

test('names of modules that LoRAs and ControlNets share', () => {
  const shape = { layers_per_block: 2, up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'] }
  expect(ldmUnetName('down_blocks.1.attentions.0', shape)).toBe('input_blocks.4.1')
  expect(ldmUnetName('down_blocks.0.downsamplers.0.conv', shape)).toBe('input_blocks.3.0.op')
  expect(ldmUnetName('up_blocks.0.upsamplers.0.conv.weight', shape)).toBe('output_blocks.2.2.conv.weight')
  expect(ldmUnetName('mid_block.resnets.1.conv1', shape)).toBe('middle_block.2.in_layers.2')
  expect(ldmUnetName('controlnet_mid_block.weight', shape)).toBeUndefined()
})

test("the autoencoder's 248 tensors, off which its config is read", () => {
  const config = klConfigSchema.parse({
    block_out_channels: [128, 256, 512, 512],
    down_block_types: Array(4).fill('DownEncoderBlock2D'),
    up_block_types: Array(4).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
  })
  const asked: Asked = new Map()
  buildKlEncoder(config, everything(asked))
  buildKlDecoder(config, everything(asked))
  expect(asked.size).toBe(248)
  expect(
    klConfigSchema.parse(
      klConfigOf(
        listed(asked, (name) => ldmVaeName(name, 4)),
        '',
        'ldm',
      ),
    ),
  ).toEqual(config)
  expect(
    klConfigSchema.parse(
      klConfigOf(
        listed(asked, (name) => name),
        '',
        'diffusers',
      ),
    ),
  ).toEqual(config)
  expect(ldmVaeName('decoder.up_blocks.0.resnets.2.conv1.weight', 4)).toBe('decoder.up.3.block.2.conv1.weight')
})

test.each([
  ['CLIP ViT-L/14', 196, { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12 }],
  ['OpenCLIP ViT-H/14', 372, { hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 23, num_attention_heads: 16 }],
  ['OpenCLIP ViT-bigG/14', 517, { hidden_size: 1280, intermediate_size: 5120, num_hidden_layers: 32, num_attention_heads: 20 }],
] as const)('%s: its tensors, off which its config is read', (name, tensors, sizes) => {
  const open = name.startsWith('Open')
  const pooled = name.includes('bigG')
  const config = textEncoderConfigSchema.parse({
    ...sizes,
    hidden_act: open ? 'gelu' : 'quick_gelu',
    ...(pooled ? { projection_dim: 1280 } : {}),
  })
  const asked: Asked = new Map()
  buildTextEncoder(config, everything(asked), { skip: 1, pooledAt: pooled ? 49407 : undefined })
  if (!pooled) buildTextEncoder(config, everything(asked))
  expect(asked.size).toBe(tensors)
  const plain = new Map([...asked].map(([key, dims]) => [key.replace('text_model.', ''), dims]))
  if (!open) {
    expect(
      textEncoderConfigSchema.parse(
        clipConfig(
          listed(plain, (key) => key),
          '',
        ),
      ),
    ).toEqual(config)
    return
  }
  const stacked: Asked = new Map()
  for (const [key, dims] of plain) {
    const { name: theirs, slice } = openClipPlace(key)
    stacked.set(
      theirs === 'text_projection.weight' ? 'text_projection' : theirs,
      slice === undefined ? dims : [dims[0]! * slice.of, ...dims.slice(1)],
    )
  }
  expect(
    textEncoderConfigSchema.parse(
      openClipConfig(
        listed(stacked, (key) => key),
        '',
      ),
    ),
  ).toEqual(config)
})
