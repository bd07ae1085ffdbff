import { open, readFile, rm } from 'node:fs/promises'
import { OfgenError } from '../errors.ts'

export interface Lock {
  readonly release: () => Promise<void>
}

/**
 * Takes a lock file that holds the owner's process id. The lock of a process that is gone is taken over.
 * @throws OfgenError `output_occupied` while another living process holds it.
 */
export async function takeLock(path: string): Promise<Lock> {
  for (let attempt = 0; ; attempt++) {
    try {
      const file = await open(path, 'wx')
      try {
        await file.writeFile(`${process.pid}\n`)
      } finally {
        await file.close()
      }
      return { release: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, error)
      const owner = await ownerOf(path)
      if (attempt > 2 || (owner !== undefined && isAlive(owner)))
        throw new OfgenError('output_occupied', `Another ofgen (process ${owner}) is writing to this folder: ${path}.`, {
          hint: 'Wait for it, or choose another folder with -o.',
        })
      await rm(path, { force: true })
    }
  }
}

async function ownerOf(path: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(path, 'utf8'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function unwritable(path: string, cause: unknown): OfgenError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const full = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
  return new OfgenError(full ? 'disk_full' : 'output_unwritable', `${path} cannot be written: ${why}.`, {
    hint: full ? 'Free some space and run the same command again.' : 'Choose a folder you may write to with -o.',
    cause,
  })
}
