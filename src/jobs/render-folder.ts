import { mkdir, open, readFile, readdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { FrameRecord } from '../animate/events.ts'
import type { FrameStore } from '../animate/frame-store.ts'
import { isAbort, OfgenError } from '../errors.ts'
import type { Frame } from '../image/frame.ts'
import { readPng, writePng } from '../image/png.ts'
import { writeError, writeWholeFile } from '../image/whole-file.ts'
import { takeLock } from './lock.ts'

/** How `ofgen.json` says a render stands. */
export type RenderState = 'rendering' | 'done' | 'interrupted' | 'failed'

/** The content of `ofgen.json`. */
export interface Manifest {
  /** Version of ofgen that wrote it. */
  readonly version: string
  readonly state: RenderState
  /** Hash of everything that shapes all frames alike: settings, model, source. Equal hashes: the same render. */
  readonly render: string
  readonly source: { readonly path: string; readonly description: string }
  readonly model: { readonly name: string; readonly hash: string }
  readonly size: { readonly width: number; readonly height: number }
  /** The settings as given, defaults filled in. */
  readonly settings: object
  /** What the settings came to for this model and source. */
  readonly resolved: object
  readonly started: string
  readonly frames?: number
  readonly message?: string
}

export interface RenderFolder extends FrameStore {
  readonly path: string
  /** Finished frames found when the folder was opened. */
  readonly found: number
  framePath(frame: number): string
  /** How a finished frame was made. */
  record(frame: number): FrameRecord | undefined
  /** Replaces `ofgen.json`. */
  save(manifest: Manifest): Promise<void>
  close(): Promise<void>
}

/** Name of a result frame; zero-based, as the 2023 script wrote them. */
export function frameName(frame: number): string {
  return `converted_${String(frame).padStart(6, '0')}.png`
}

const manifestName = 'ofgen.json'
const recordsName = 'frames.jsonl'

/**
 * Opens or creates the folder of a render, takes its lock and writes its manifest.
 *
 * @param overwrite Go on in a folder whose manifest has another `render` hash; frames whose keys still fit are kept.
 * @throws OfgenError `output_occupied` if the folder holds something else, another render, or is in use; `output_unwritable`.
 */
export async function openRenderFolder(path: string, manifest: Manifest, options: { overwrite: boolean }): Promise<RenderFolder> {
  await checkFolder(path, manifest, options.overwrite)
  try {
    await mkdir(path, { recursive: true })
  } catch (cause) {
    throw new OfgenError('output_unwritable', `The output folder ${path} cannot be made: ${reason(cause)}.`, {
      hint: 'Choose a folder you may write to with -o.',
      cause,
    })
  }
  const lock = await takeLock(join(path, 'ofgen.lock'))
  try {
    const records = await readRecords(join(path, recordsName))
    const log = await open(join(path, recordsName), 'a')
    const folder = new Folder(path, records, log, lock.release)
    await folder.save(manifest)
    return folder
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** How the manifest says that a render ended before its end. */
export function failureOf(error: unknown): Pick<Manifest, 'state' | 'message'> {
  return { state: isAbort(error) ? 'interrupted' : 'failed', message: reason(error) }
}

/** Saves the manifest's last word, which must not hide the error that led to it, and gives the folder back. */
export async function closeRender(folder: RenderFolder, manifest: Manifest): Promise<void> {
  try {
    await folder.save(manifest)
  } catch (error) {
    if (!(error instanceof OfgenError)) throw error
  } finally {
    await folder.close()
  }
}

async function checkFolder(path: string, manifest: Manifest, overwrite: boolean): Promise<void> {
  const entries = await listFolder(path)
  if (entries === undefined || entries.length === 0) return
  if (!entries.includes(manifestName))
    throw new OfgenError('output_occupied', `The output folder ${path} holds something else (${entries[0]}).`, {
      hint: 'Choose a new or empty folder with -o.',
    })
  const old = await readManifest(join(path, manifestName))
  if (old !== undefined && old.render !== manifest.render && !overwrite)
    throw new OfgenError(
      'output_occupied',
      `The output folder ${path} holds a render with other settings${differences(old, manifest)}.`,
      {
        hint: 'Choose another folder with -o, or add --overwrite to redo what changed.',
      },
    )
}

/** Names in a folder; undefined if there is none. */
async function listFolder(path: string): Promise<string[] | undefined> {
  try {
    return await readdir(path)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR')
      throw new OfgenError('output_occupied', `The output ${path} is a file, not a folder.`, {
        hint: 'Choose a folder with -o.',
        cause,
      })
    throw new OfgenError('output_unwritable', `The output folder ${path} cannot be read: ${reason(cause)}.`, {
      hint: 'Choose a folder you may write to with -o.',
      cause,
    })
  }
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function differences(old: Manifest, now: Manifest): string {
  const before = { source: old.source?.path, model: old.model?.hash, ...old.size, ...old.resolved } as Record<string, unknown>
  const after = { source: now.source.path, model: now.model.hash, ...now.size, ...now.resolved } as Record<string, unknown>
  const names = Object.keys({ ...before, ...after }).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  return names.length === 0 ? '' : ` (${names.slice(0, 4).join(', ')})`
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Lines that a crash cut are left out; of several lines for a frame the last one counts. */
async function readRecords(path: string): Promise<Map<number, FrameRecord>> {
  const records = new Map<number, FrameRecord>()
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return records
    throw error
  }
  for (const line of text.split('\n')) {
    try {
      const record = JSON.parse(line) as FrameRecord
      if (Number.isInteger(record.frame) && typeof record.key === 'string') records.set(record.frame, record)
    } catch {
      continue
    }
  }
  return records
}

class Folder implements RenderFolder {
  readonly path: string
  readonly found: number
  private readonly records: Map<number, FrameRecord>
  private readonly log: FileHandle
  private readonly release: () => Promise<void>

  constructor(path: string, records: Map<number, FrameRecord>, log: FileHandle, release: () => Promise<void>) {
    this.path = path
    this.found = records.size
    this.records = records
    this.log = log
    this.release = release
  }

  framePath(frame: number): string {
    return join(this.path, frameName(frame))
  }

  record(frame: number): FrameRecord | undefined {
    return this.records.get(frame)
  }

  async find(frame: number, key: string): Promise<Frame | undefined> {
    if (this.records.get(frame)?.key !== key) return undefined
    try {
      return await readPng(this.framePath(frame))
    } catch {
      return undefined
    }
  }

  async put(record: FrameRecord, image: Frame): Promise<void> {
    await writePng(this.framePath(record.frame), image)
    try {
      // A line begins with a break too: what a crash may have cut before it stays a line of its own.
      await this.log.appendFile('\n' + JSON.stringify(record) + '\n')
      await this.log.datasync()
    } catch (cause) {
      throw writeError(cause, join(this.path, recordsName))
    }
    this.records.set(record.frame, record)
  }

  async save(manifest: Manifest): Promise<void> {
    const path = join(this.path, manifestName)
    try {
      await writeWholeFile(path, Buffer.from(JSON.stringify(manifest, undefined, 2) + '\n'))
    } catch (cause) {
      throw writeError(cause, path)
    }
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.release()
  }
}
