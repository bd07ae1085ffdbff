import { OfgenError } from '../errors.ts'

/** A LoRA that a prompt asks for. */
export interface LoraTag {
  /** As written: the name of a file without its ending, or a path. */
  readonly name: string
  /** 1 where the prompt does not say; may be negative. */
  readonly weight: number
}

/**
 * Takes `<lora:name:weight>` and `<lora:name>` out of a prompt, as the A1111 web UI writes them (`<lyco:…>` is the same). All other text
 * stays as it is.
 *
 * @returns The LoRAs in the order of the prompt, a name that stands twice twice.
 * @throws OfgenError option_invalid for a weight that is no number, for separate weights of text encoder and UNet, and for `<hypernet:…>`.
 * @see https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#extra-networks
 */
export function extractLoras(prompt: string): { prompt: string; loras: LoraTag[] } {
  const loras: LoraTag[] = []
  const rest = prompt.replaceAll(/<(lora|lyco|hypernet):([^<>]*)>/gi, (tag, kind: string, content: string) => {
    if (kind.toLowerCase() === 'hypernet')
      throw new OfgenError(
        'option_invalid',
        `The prompt has ${tag}; hypernetworks are not supported, accepted are <lora:name:weight>.`,
      )
    const [name = '', weight = '1', ...more] = content.split(':').map((part) => part.trim())
    if (name === '' || more.length > 0 || !/^[+-]?(\d+\.?\d*|\.\d+)$/.test(weight))
      throw new OfgenError(
        'option_invalid',
        `The prompt has ${tag}; accepted is <lora:name:weight> with one number as the weight.`,
        {
          hint: 'For example <lora:watercolor:0.8>.',
        },
      )
    loras.push({ name, weight: Number(weight) })
    return ''
  })
  return { prompt: rest, loras }
}
