import { readFile } from 'node:fs/promises'
import { checkPrompt } from '../animate/frame-prompt.ts'
import { parsePromptFile, type PromptPlan } from '../animate/prompt-file.ts'
import { OfgenError } from '../errors.ts'
import { extractLoras } from '../prompt/lora-tags.ts'
import type { VideoInfo } from '../video/frame-source.ts'
import type { Settings } from '../settings.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import { styleWords, type Resolved } from './resolve.ts'

interface PromptContext {
  readonly settings: Settings
  /** What frames have that no line names. */
  readonly resolved: Resolved
  readonly model: DiffusionModel
  /** Of the frames that are rendered: lines that begin after the last of them are refused. */
  readonly info: VideoInfo
}

/**
 * Reads `--prompt-file` and checks every prompt in it.
 *
 * @throws OfgenError input_missing or option_invalid, naming the file and the line.
 */
export async function openPrompts(path: string, { settings, resolved, model, info }: PromptContext): Promise<PromptPlan> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new OfgenError('input_missing', `--prompt-file ${path} cannot be read.`, {
      hint: 'Give a text file with a line for each part of the video.',
      cause,
    })
  }
  const { prompt, negative, steps } = resolved
  return parsePromptFile(text, {
    path,
    base: { prompt, negative },
    style: styleWords(settings, model),
    info,
    check: (line) => {
      if (extractLoras(line).loras.length > 0)
        throw new OfgenError('option_invalid', 'LoRAs hold for the whole render; put <lora:…> into --prompt or use --lora.')
      checkPrompt({ prompt: line, negative: '' }, steps)
    },
  })
}
