import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { GuidanceSchedule } from '../guidance/guidance-schedule.ts'
import { loadSchedule } from '../guidance/load-schedule.ts'

/** A user's schedule with a hash of its file, which stands for it in content keys. */
export async function openSchedule(path: string): Promise<{ readonly id: string; readonly weights: GuidanceSchedule }> {
  const weights = await loadSchedule(path)
  const id = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
    .slice(0, 32)
  return { id, weights }
}
