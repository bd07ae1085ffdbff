import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { OfgenError } from '../errors.ts'

/** What people call small files that go with a model: by a path, or by a name that is looked for. */
export interface FileWanted {
  /** A path, or a file's name with or without its ending. */
  readonly name: string
  /** For messages, for example `LoRA`. */
  readonly what: string
  /** Folders to look in, with their subfolders, the first one first. */
  readonly folders: readonly string[]
  /** Endings that are taken, with the point. */
  readonly endings: readonly string[]
}

/** Subfolders deeper than this are not looked into. */
const deepest = 4

/**
 * The file that a name stands for. Case does not matter where nothing is spelled exactly so.
 *
 * @throws OfgenError model_missing naming the places that were looked in.
 */
export function findFile({ name, what, folders, endings }: FileWanted): string {
  for (const path of [name, ...endings.map((ending) => name + ending)]) if (isFile(path)) return path
  const wanted = new Set([name, ...endings.map((ending) => name + ending)])
  const found = folders.map((folder) => filesBelow(folder, deepest))
  for (const files of found) {
    const exact = files.find((path) => wanted.has(basename(path)))
    if (exact !== undefined) return exact
  }
  const lower = new Set([...wanted].map((one) => one.toLowerCase()))
  for (const files of found) {
    const near = files.find((path) => lower.has(basename(path).toLowerCase()))
    if (near !== undefined) return near
  }
  const there = found.flat().filter((path) => endings.includes(extname(path)))
  const some = there.slice(0, 5).map((path) => basename(path, extname(path)))
  throw new OfgenError(
    'model_missing',
    `There is no ${what} "${name}"${folders.length > 0 ? ` in ${folders.join(', ')}` : ''}; accepted: a path, or the name of a ${endings.join(' or ')} file there.`,
    { hint: some.length > 0 ? `There are: ${some.join(', ')}${there.length > some.length ? ', …' : ''}.` : 'Check the path.' },
  )
}

/** Folders beside a model where its LoRAs and the like are looked for: its own, and those of these names in and beside it. */
export function foldersBeside(model: string, names: readonly string[]): string[] {
  const own = isFile(model) ? dirname(model) : model
  return names
    .flatMap((name) => [join(own, name), join(dirname(own), name)])
    .filter((folder) => isFolder(folder))
    .concat(own)
}

function filesBelow(folder: string, depth: number): string[] {
  const files: string[] = []
  const folders: string[] = []
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (isFile(path)) files.push(path)
    }
  } catch {
    return []
  }
  if (depth > 0) for (const one of folders) files.push(...filesBelow(one, depth - 1))
  return files
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
