import { createHash } from 'node:crypto'
import type { Frame } from '../image/frame.ts'

/** Grows when a change of the code makes other frames of the same settings, so that old frames are not taken for new ones. */
const algorithm = 1

/** Hash of a picture's pixels and size, 32 hex digits. */
export function frameHash(frame: Frame): string {
  return createHash('sha256').update(`${frame.width}x${frame.height}:`).update(frame.data).digest('hex').slice(0, 32)
}

/**
 * Hash of all that a frame was made of, 32 hex digits: equal keys mean equal frames.
 * @param parts JSON values: settings that shape frames, model hash, source frame hashes, keys of the results it was guided by.
 */
export function contentKey(...parts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([algorithm, ...parts]))
    .digest('hex')
    .slice(0, 32)
}
