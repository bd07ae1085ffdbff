import { z } from 'zod'
import { OfgenError } from './errors.ts'

/** What the command line, the studio and the docs need to know of a setting beyond its type. */
export interface SettingMeta {
  readonly title: string
  readonly description: string
  /** Heading it stands under. */
  readonly group: 'Style' | 'Steadiness' | 'Video' | 'Output' | 'Machine'
  /** What holds where the setting is left out and has no default of its own. */
  readonly fallback?: string
  /** What stands for the value in usage texts, for example `WxH`. */
  readonly placeholder?: string
  /** Values to choose from, where others are accepted too. */
  readonly choices?: readonly string[]
  readonly unit?: string
  /** True where a change makes other frames, so that it belongs into content keys. */
  readonly shapesFrames: boolean
}

function setting<T extends z.ZodType>(type: T, meta: SettingMeta): T {
  return type.meta({ ...meta })
}

const size = z.string().regex(/^\d{1,5}x\d{1,5}$/, 'two whole numbers of pixels as WIDTHxHEIGHT, for example 384x256')

/** Every setting of a render, once. Settings without a default take the model's or the source's own. */
export const settingsSchema = z.strictObject({
  model: setting(z.string().min(1).default('embedded'), {
    title: 'Model',
    description:
      'Stable Diffusion checkpoint (1, 2 or XL): a file (.safetensors, .ckpt), a folder in the diffusers layout, or "embedded" for the small model in the package.',
    group: 'Style',
    placeholder: 'PATH',
    shapesFrames: true,
  }),
  vae: setting(z.string().min(1).optional(), {
    title: 'Autoencoder',
    description:
      'Another autoencoder (VAE) for the model: a file, a folder in the diffusers layout, a name beside the model or on Hugging Face; "taesd" or "taesdxl" for the tiny one, which is quick and less exact.',
    fallback: "the model's own",
    group: 'Style',
    placeholder: 'PATH',
    shapesFrames: true,
  }),
  clipSkip: setting(z.int().min(1).max(32).optional(), {
    title: 'Clip skip',
    description:
      'Layer of the text encoder that the prompt is taken from, counted from the last: 1 is the last, 2 the last but one, as A1111 counts.',
    fallback: 'as the model was trained: 1 for Stable Diffusion 1, 2 for 2 and XL',
    group: 'Style',
    placeholder: 'N',
    shapesFrames: true,
  }),
  prediction: setting(z.enum(['epsilon', 'v']).optional(), {
    title: 'Prediction type',
    description: 'What the model predicts, where that is not told rightly by its files: noise (epsilon) or velocity (v).',
    fallback: 'as its files say',
    group: 'Style',
    shapesFrames: true,
  }),
  zeroSnr: setting(z.boolean().optional(), {
    title: 'Zero terminal SNR',
    description:
      'The model was trained with noise that leaves nothing of the picture at the last step, and its files do not say so.',
    fallback: 'as its files say',
    group: 'Style',
    shapesFrames: true,
  }),
  lora: setting(z.array(z.string().min(1)).optional(), {
    title: 'LoRA',
    description:
      'LoRA file to merge into the model, with its weight behind a colon (1 without); may be given several times. In the prompt: <lora:name:0.8>.',
    fallback: 'none',
    group: 'Style',
    placeholder: 'FILE:WEIGHT',
    shapesFrames: true,
  }),
  loraDir: setting(z.string().min(1).optional(), {
    title: 'LoRA folder',
    description: 'Where LoRAs that are given by name are looked for, before the folders beside the model.',
    fallback: 'beside the model',
    group: 'Style',
    placeholder: 'FOLDER',
    shapesFrames: false,
  }),
  embedding: setting(z.array(z.string().min(1)).optional(), {
    title: 'Embedding',
    description:
      "Textual inversion embedding: a file, or a folder of them. The file's name in a prompt becomes its vectors. May be given several times.",
    fallback: 'none',
    group: 'Style',
    placeholder: 'FILE',
    shapesFrames: true,
  }),
  control: setting(z.array(z.string().min(1)).optional(), {
    title: 'ControlNet',
    description:
      'ControlNet that holds the picture to a map of each frame, as KIND:FILE; kinds canny, lineart, softedge and tile are made of the frames, others need ",maps=VIDEO or FOLDER". Further options: ",weight=1", ",from=0", ",to=1" (part of the steps). May be given several times.',
    fallback: 'none',
    group: 'Style',
    placeholder: 'KIND:FILE',
    shapesFrames: true,
  }),
  style: setting(z.string().min(1).optional(), {
    title: 'Style',
    description:
      'Short name of a style the model knows; the embedded one: anime, oil, watercolor, sketch, comic, pixel. Becomes part of the prompt.',
    fallback: "the model's first: anime",
    group: 'Style',
    placeholder: 'NAME',
    shapesFrames: true,
  }),
  prompt: setting(z.string().optional(), {
    title: 'Prompt',
    description: 'What the picture should be, in A1111\'s syntax. Instead of --style; "{style}" in it stands for the style.',
    fallback: "the model's, with the style in it",
    group: 'Style',
    placeholder: 'TEXT',
    shapesFrames: true,
  }),
  negative: setting(z.string().optional(), {
    title: 'Negative prompt',
    description: 'What the picture should not be.',
    fallback: "the model's",
    group: 'Style',
    placeholder: 'TEXT',
    shapesFrames: true,
  }),
  promptFile: setting(z.string().min(1).optional(), {
    title: 'Prompt file',
    description:
      'Prompts for parts of the video: a text file with lines such as "0-47: a girl in a field", "2s..5s: night" or "shot 2: a windmill"; see docs/prompts.md.',
    fallback: '--prompt for every frame',
    group: 'Style',
    placeholder: 'FILE.txt',
    shapesFrames: true,
  }),
  strength: setting(z.number().gt(0).max(1).optional(), {
    title: 'Strength',
    description: 'How far from the source the model may go: 0.3 faithful, 0.7 bold.',
    fallback: "the model's; 0.6 for the embedded one",
    group: 'Style',
    placeholder: '0..1',
    shapesFrames: true,
  }),
  steps: setting(z.int().min(1).max(1000).optional(), {
    title: 'Steps',
    description: 'Steps of the whole noise schedule; strength times steps are run.',
    fallback: "the model's; 7 for the embedded one",
    group: 'Style',
    placeholder: 'N',
    unit: 'steps',
    shapesFrames: true,
  }),
  cfgScale: setting(z.number().min(1).max(30).optional(), {
    title: 'CFG scale',
    description: 'How strongly the prompt acts (classifier-free guidance). 1 switches it off and halves the work.',
    fallback: "the model's; 2 for the embedded one",
    group: 'Style',
    placeholder: '1..30',
    shapesFrames: true,
  }),
  sampler: setting(z.string().min(1).optional(), {
    title: 'Sampler',
    description:
      'How the noise is walked down. The names of A1111 and ComfyUI are accepted too, with the spacing behind them: "DPM++ 2M Karras".',
    fallback: "the model's; ddim for the embedded one",
    group: 'Style',
    choices: ['ddim', 'ddpm', 'euler', 'euler_a', 'heun', 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_sde', 'unipc', 'pndm', 'lcm'],
    shapesFrames: true,
  }),
  sigmas: setting(z.enum(['karras', 'exponential', 'sgm_uniform', 'simple', 'trailing', 'linspace', 'leading']).optional(), {
    title: 'Noise levels',
    description: 'How the noise levels of the steps are spaced, for any sampler.',
    fallback: 'as the model and the sampler have it',
    group: 'Style',
    shapesFrames: true,
  }),
  seed: setting(z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1), {
    title: 'Seed',
    description: 'Start of the random numbers: the same seed gives the same picture.',
    group: 'Style',
    placeholder: 'N',
    shapesFrames: true,
  }),
  method: setting(z.enum(['flow', 'previous', 'reference', 'none']).optional(), {
    title: 'Method',
    description:
      'How frames are held together: flow (keyframes, carried to the frames between; the default), previous (each frame drawn to the one before; the default with --schedule), reference (the 2023 script, exactly), none.',
    fallback: 'flow, or previous with --schedule',
    group: 'Steadiness',
    shapesFrames: true,
  }),
  noise: setting(z.enum(['carried', 'same', 'fresh']).optional(), {
    title: 'Noise',
    description:
      'Starting noise of each frame: carried along by the motion (default of flow), the same for all, or fresh (default of reference and none).',
    fallback: 'by method',
    group: 'Steadiness',
    shapesFrames: true,
  }),
  smooth: setting(z.int().min(0).max(8).optional(), {
    title: 'Smoothing',
    description:
      'Frames to either side that each finished frame is averaged with along the motion; lines keep their strength. 0 leaves the frames as they were painted.',
    fallback: '2 for flow, 0 for the other methods',
    group: 'Steadiness',
    placeholder: 'FRAMES',
    unit: 'frames',
    shapesFrames: true,
  }),
  schedule: setting(z.string().min(1).optional(), {
    title: 'Guidance schedule',
    description:
      'Your own guidance weights: a JavaScript file with a function (progress, motion) => number or array. It is run as code.',
    fallback: "the method's own",
    group: 'Steadiness',
    placeholder: 'FILE.js',
    shapesFrames: true,
  }),
  flow: setting(z.enum(['dis', 'farneback']).optional(), {
    title: 'Flow estimator',
    description: 'How motion is found: dis (default), farneback (default of the reference method).',
    fallback: 'by method',
    group: 'Steadiness',
    shapesFrames: true,
  }),
  size: setting(size.optional(), {
    title: 'Size',
    description: "Size of the result in pixels. Without it: the source's shape at the size the model is at home with.",
    fallback: 'by model; about 384x256 for the embedded one',
    group: 'Video',
    placeholder: 'WxH',
    unit: 'px',
    shapesFrames: true,
  }),
  fit: setting(z.enum(['cover', 'contain', 'fill']).default('cover'), {
    title: 'Fit',
    description: 'When the shapes differ: cover cuts the edges off, contain adds bars, fill stretches.',
    group: 'Video',
    shapesFrames: true,
  }),
  fps: setting(z.number().gt(0).max(240).optional(), {
    title: 'Frame rate',
    description:
      "Render at this rate instead of the source's; frames are left out, never invented. For image folders: their rate.",
    fallback: "the source's; 24 for image folders",
    group: 'Video',
    placeholder: 'N',
    unit: 'frames/s',
    shapesFrames: true,
  }),
  range: setting(z.string().min(1).optional(), {
    title: 'Range',
    description: 'Part of the source: 2s..5s, 30..90 (frames), 2s.., ..5s.',
    fallback: 'all of it',
    group: 'Video',
    placeholder: 'FROM..TO',
    shapesFrames: true,
  }),
  format: setting(z.enum(['mp4', 'webm', 'gif', 'none']).default('mp4'), {
    title: 'Video format',
    description: 'The finished video; none leaves the PNG frames alone.',
    group: 'Output',
    shapesFrames: false,
  }),
  crf: setting(z.int().min(0).max(51).default(18), {
    title: 'Video quality',
    description: 'Constant rate factor of the encoder: lower is better and larger.',
    group: 'Output',
    placeholder: '0..51',
    shapesFrames: false,
  }),
  compare: setting(z.boolean().default(false), {
    title: 'Compare',
    description: 'Also render every frame on its own, for a side-by-side video and the full report. Doubles the work.',
    group: 'Output',
    shapesFrames: false,
  }),
  debug: setting(z.boolean().default(false), {
    title: 'Debug pictures',
    description: 'Also write the raw, warped, weight and flow pictures of every frame.',
    group: 'Output',
    shapesFrames: false,
  }),
  overwrite: setting(z.boolean().default(false), {
    title: 'Overwrite',
    description: 'Allow redoing frames in a folder that holds a render with other settings; frames that did not change are kept.',
    group: 'Output',
    shapesFrames: false,
  }),
  modelsDir: setting(z.string().min(1).optional(), {
    title: 'Model folder',
    description:
      'Folder of models (A1111, Forge, ComfyUI or your own): --model NAME also finds NAME.safetensors or a folder NAME in it. Also OFGEN_MODELS_DIR.',
    fallback: 'none',
    group: 'Machine',
    placeholder: 'FOLDER',
    shapesFrames: false,
  }),
  variant: setting(z.enum(['fp16']).optional(), {
    title: 'Variant',
    description: 'Of a model on Hugging Face take the files in half precision where there are any: half the download.',
    fallback: 'full precision',
    group: 'Machine',
    shapesFrames: false,
  }),
  device: setting(z.enum(['auto', 'cpu', 'cuda', 'directml', 'coreml', 'webgpu']).default('auto'), {
    title: 'Device',
    description:
      'Where the model runs. auto takes CUDA or DirectML if they work and else the CPU; what does not work is said and the CPU taken.',
    group: 'Machine',
    shapesFrames: false,
  }),
  vaeTile: setting(
    z
      .int()
      .min(0)
      .max(8192)
      .refine((side) => side === 0 || side >= 256, '0, or a number from 256 to 8192')
      .optional(),
    {
      title: 'VAE tile',
      description: 'Encode and decode pictures in tiles of this side, at least 256, to save memory; 0 never.',
      fallback: 'tiles of 768 for pictures above 1152x1152',
      group: 'Machine',
      placeholder: 'PIXELS',
      unit: 'px',
      shapesFrames: true,
    },
  ),
  lowMemory: setting(z.boolean().default(false), {
    title: 'Low memory',
    description: 'Hold one part of the model at a time, with its weights left in their file. Slower; for models that do not fit.',
    group: 'Machine',
    shapesFrames: false,
  }),
  cache: setting(z.boolean().default(true), {
    title: 'Cache',
    description: 'Do not keep prepared models on disk (ofgen models cache); every start then takes as long as the first.',
    group: 'Machine',
    shapesFrames: false,
  }),
  threads: setting(z.int().min(1).max(256).optional(), {
    title: 'Threads',
    description: 'CPU threads for the model; all cores by default.',
    fallback: 'all cores',
    group: 'Machine',
    placeholder: 'N',
    shapesFrames: false,
  }),
  ffmpeg: setting(z.string().min(1).optional(), {
    title: 'ffmpeg',
    description: 'The ffmpeg program to use instead of FFMPEG_PATH, the one on PATH, or the one in the package.',
    fallback: 'the first that is found',
    group: 'Machine',
    placeholder: 'PATH',
    shapesFrames: false,
  }),
})

export type Settings = z.infer<typeof settingsSchema>
export type SettingsInput = z.input<typeof settingsSchema>

/** The name of a setting on the command line: `cfgScale` is `--cfg-scale`. */
export function flagOf(name: string): string {
  return '--' + name.replaceAll(/[A-Z]/g, (letter) => '-' + letter.toLowerCase())
}

/** A switch that is on by itself has a flag that turns it off: `cache` is `--no-cache`. */
function switchOf(name: string, on: boolean): string {
  return on ? flagOf(name).replace('--', '--no-') : flagOf(name)
}

/** The parts of a setting's type that usage texts and forms show. */
export interface SettingShape {
  readonly name: string
  readonly flag: string
  readonly kind: 'boolean' | 'number' | 'string' | 'choice' | 'list'
  readonly choices: readonly string[]
  readonly default: unknown
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly meta: SettingMeta
}

interface JsonProperty {
  type?: string
  enum?: string[]
  default?: unknown
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
}

/** Every setting in the order of declaration, for whoever builds flags, forms or documentation. */
export function listSettings(): SettingShape[] {
  const { properties = {} } = z.toJSONSchema(settingsSchema, { io: 'input' }) as unknown as {
    properties?: Record<string, JsonProperty & SettingMeta>
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    flag: switchOf(name, property.default === true),
    kind:
      property.enum || property.choices
        ? 'choice'
        : property.type === 'boolean'
          ? 'boolean'
          : property.type === 'number' || property.type === 'integer'
            ? 'number'
            : property.type === 'array'
              ? 'list'
              : 'string',
    choices: property.enum ?? property.choices ?? [],
    default: property.default,
    minimum: property.minimum ?? property.exclusiveMinimum,
    maximum: property.maximum,
    meta: property,
  }))
}

function acceptedBy(shape: SettingShape): string {
  if (shape.kind === 'choice') return shape.choices.join(', ')
  if (shape.kind === 'boolean') return 'true or false'
  if (shape.kind === 'string' || shape.kind === 'list')
    return `text${shape.meta.placeholder ? ` (${shape.meta.placeholder})` : ''}`
  return `a number from ${shape.minimum ?? '-infinity'} to ${shape.maximum ?? 'infinity'}`
}

/**
 * Checks settings and fills in the defaults.
 * @throws OfgenError `option_invalid` naming the option, the value and what is accepted.
 */
export function parseSettings(input: SettingsInput): Settings {
  const parsed = settingsSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  if (issue.code === 'unrecognized_keys')
    throw new OfgenError('option_invalid', `There is no setting "${issue.keys[0]}".`, {
      hint: `The settings are: ${Object.keys(settingsSchema.shape).join(', ')}.`,
    })
  const name = String(issue.path[0])
  const value = (input as Record<string, unknown>)[name]
  const shape = listSettings().find((candidate) => candidate.name === name)
  const accepted =
    issue.code === 'invalid_format' || issue.code === 'custom' ? issue.message : shape ? acceptedBy(shape) : issue.message
  throw new OfgenError('option_invalid', `${flagOf(name)} cannot be ${JSON.stringify(value)}; accepted: ${accepted}.`, {
    hint: shape ? shape.meta.description : 'See ofgen --help.',
  })
}

/** `384x256` to its two numbers. The text has passed `parseSettings`. */
export function parseSize(text: string): { width: number; height: number } {
  const [width, height] = text.split('x').map(Number)
  return { width: width!, height: height! }
}
