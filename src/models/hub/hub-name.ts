import { OfgenError } from '../../errors.ts'

/** A model on the hub as users write it. */
export interface HubName {
  /** `owner/name` */
  readonly repo: string
  /** Branch, tag or commit. */
  readonly revision: string
  /** A checkpoint file in it; without one the repository is a diffusers model or has only one. */
  readonly file: string | undefined
}

const word = '[A-Za-z0-9][\\w.-]*'
const pattern = new RegExp(`^(${word}/${word})((?:/[\\w.-]+)*/[\\w.-]+\\.(?:safetensors|ckpt))?(?:@([\\w.-]+(?:/[\\w.-]+)*))?$`)

/**
 * Reads `owner/name`, `owner/name@revision`, `owner/name/file.safetensors`; undefined for what can only be a path.
 * A name never has parts such as `..`, and is never a path that begins with `.` or `/`.
 */
export function parseHubName(text: string): HubName | undefined {
  const match = pattern.exec(text)
  if (match === null || text.includes('..') || text.includes('--')) return undefined
  return { repo: match[1]!, revision: match[3] ?? 'main', file: match[2]?.slice(1) }
}

/** @throws OfgenError model_invalid for a path that would leave the folder it is put in. */
export function safePath(path: string): string {
  const parts = path.split('/')
  if (/^[\w. ()+=,@-]+(\/[\w. ()+=,@-]+)*$/.test(path) && !parts.some((part) => /^\.+$/.test(part))) return path
  throw new OfgenError(
    'model_invalid',
    `The repository lists a file of the name ${JSON.stringify(path.slice(0, 80))}, which is not taken.`,
  )
}
