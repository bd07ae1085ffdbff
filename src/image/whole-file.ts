import { open, rename, rm } from 'node:fs/promises'
import { OfgenError } from '../errors.ts'

/**
 * Writes a file so that it is there whole or not at all, also after a crash: `<path>.part`, flushed to the disk, then renamed.
 *
 * @throws OfgenError `disk_full`, `output_unwritable`.
 */
export async function writeWholeFile(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.part`
  try {
    const file = await open(part, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true }).catch(() => {})
    throw writeError(error, path)
  }
}

/** What a failed write means for the user. Errors that are not the file system's pass as they are. */
export function writeError(error: unknown, path: string): unknown {
  const code = (error as { code?: unknown } | undefined)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, error)
  if (typeof code === 'string' && /^E(ACCES|PERM|ROFS|NOENT|NOTDIR|ISDIR|NAMETOOLONG|IO|FBIG|MFILE|BUSY)$/.test(code))
    return new OfgenError('output_unwritable', `${path} cannot be written (${code}).`, {
      hint: 'Check that the folder exists and may be written to, or give another one with -o.',
      cause: error,
    })
  return error
}

/** The error for a disk without space left. */
export function diskFull(path: string, cause?: unknown): OfgenError {
  return new OfgenError('disk_full', `No space is left on the disk for ${path}.`, {
    hint: 'Free some space and run the same command again: finished frames are kept.',
    cause,
  })
}
