import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { OfgenError } from '../../errors.ts'

/**
 * Reads a JSON file of a model and checks it.
 *
 * @throws OfgenError model_missing if it is not there, model_invalid naming each field that is not supported.
 */
export function readConfig<T extends z.ZodType>(path: string, schema: T): z.output<T> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new OfgenError('model_missing', `The model file ${path} cannot be read.`, { cause })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new OfgenError('model_invalid', `${path} is not JSON.`, { hint: 'The file is damaged: fetch it again.', cause })
  }
  return checkConfig(json, schema, path)
}

/** Checks a configuration that was read or derived. @throws OfgenError model_invalid naming each field that is not supported. */
export function checkConfig<T extends z.ZodType>(json: unknown, schema: T, title: string): z.output<T> {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const issues = result.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`)
  throw new OfgenError('model_invalid', `${title} describes a model that is not supported (${issues.join('; ')}).`, {
    hint: 'Stable Diffusion 1, 2 and XL are supported, with their inpainting and InstructPix2Pix kinds.',
    cause: result.error,
  })
}
