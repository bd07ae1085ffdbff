import { randomBytes } from 'node:crypto'
import { copyFile, link, mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Hugging Face's own cache, shared with its Python tools: HF_HUB_CACHE, else `hub` in HF_HOME, else `~/.cache/huggingface/hub`. */
export function hubCacheFolder(environment: Environment = process.env): string {
  const own = environment['HF_HUB_CACHE'] || environment['HUGGINGFACE_HUB_CACHE']
  if (own) return own
  const home = environment['HF_HOME'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface')
  return join(home, 'hub')
}

/** Whether the hub must not be asked: HF_HUB_OFFLINE is 1, true, yes or on. */
export function isOffline(environment: Environment = process.env): boolean {
  return /^(1|true|yes|on)$/i.test(environment['HF_HUB_OFFLINE'] ?? '')
}

/** A repository's part of the cache: `blobs/<etag>`, `snapshots/<commit>/<path>` that link to them, `refs/<revision>`. */
export interface RepoCache {
  readonly folder: string
  snapshot(commit: string): string
  blob(etag: string): string
  /** The commit that a revision stood for when it was last asked. */
  commitOf(revision: string): Promise<string | undefined>
  setCommit(revision: string, commit: string): Promise<void>
  /** Paths that are whole in a snapshot. */
  filesOf(commit: string): Promise<string[]>
  /** Puts a blob into a snapshot. */
  place(etag: string, commit: string, path: string): Promise<void>
}

const commitPattern = /^[0-9a-f]{40}$/

export function repoCache(repo: string, cache: string = hubCacheFolder()): RepoCache {
  const folder = join(cache, `models--${repo.replace('/', '--')}`)
  const snapshot = (commit: string): string => join(folder, 'snapshots', commit)
  const blob = (etag: string): string => join(folder, 'blobs', etag)
  return {
    folder,
    snapshot,
    blob,

    async commitOf(revision) {
      if (commitPattern.test(revision)) return revision
      const text = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '')
      return commitPattern.test(text.trim()) ? text.trim() : undefined
    },

    async setCommit(revision, commit) {
      if (revision === commit) return
      const path = join(folder, 'refs', revision)
      await mkdir(dirname(path), { recursive: true })
      const part = `${path}.${randomBytes(4).toString('hex')}`
      await writeFile(part, commit)
      await rename(part, path)
    },

    async filesOf(commit) {
      const root = snapshot(commit)
      const found: string[] = []
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
        if (entry.isDirectory()) continue
        const path = join(entry.parentPath, entry.name)
        // A link counts only if what it leads to is there.
        if ((await stat(path).catch(() => undefined))?.isFile() === true) found.push(relative(root, path).replaceAll('\\', '/'))
      }
      return found
    },

    async place(etag, commit, path) {
      const target = join(snapshot(commit), path)
      await mkdir(dirname(target), { recursive: true })
      const part = `${target}.${randomBytes(4).toString('hex')}.part`
      try {
        // Where links are not allowed, as on Windows by default, the file has two names or is copied.
        await symlink(relative(dirname(target), blob(etag)), part)
          .catch(() => link(blob(etag), part))
          .catch(() => copyFile(blob(etag), part))
        await rename(part, target)
      } finally {
        await rm(part, { force: true }).catch(() => {})
      }
    },
  }
}

/** A model that lies in the cache. */
export interface CachedModel {
  readonly repo: string
  /** Of its blobs, whatever they belong to. */
  readonly bytes: number
  readonly folder: string
}

/** Stable Diffusion models and checkpoint files in the cache, by name; other repositories are left out. */
export async function listCachedModels(cache: string = hubCacheFolder()): Promise<CachedModel[]> {
  const found: CachedModel[] = []
  for (const name of await readdir(cache).catch(() => [])) {
    const repo = /^models--(.+?)--(.+)$/.exec(name)
    if (repo === null) continue
    const folder = join(cache, name)
    let fits = false
    for (const commit of await readdir(join(folder, 'snapshots')).catch(() => [])) {
      const files: string[] = await readdir(join(folder, 'snapshots', commit)).catch(() => [])
      fits ||=
        (files.includes('model_index.json') && files.includes('unet')) || files.some((file) => /\.(safetensors|ckpt)$/.test(file))
    }
    if (!fits) continue
    let bytes = 0
    for (const blob of await readdir(join(folder, 'blobs')).catch(() => []))
      bytes += (await stat(join(folder, 'blobs', blob)).catch(() => ({ size: 0 }))).size
    found.push({ repo: `${repo[1]}/${repo[2]}`, bytes, folder })
  }
  return found.toSorted((a, b) => a.repo.localeCompare(b.repo))
}
