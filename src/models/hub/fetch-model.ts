import { mkdir, readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbort, OfgenError } from '../../errors.ts'
import { diskFull } from '../../image/whole-file.ts'
import { downloadFile, refusal } from './download-file.ts'
import { hubCacheFolder, isOffline, repoCache, type RepoCache } from './hub-cache.ts'
import { safePath, type HubName } from './hub-name.ts'
import { neededFiles, type NeededFiles } from './needed-files.ts'

/** A download under way. Plain JSON. */
export interface DownloadEvent {
  readonly type: 'download'
  /** `owner/name` */
  readonly model: string
  readonly file: string
  /** Bytes of all files of the model that are here, and of all that are needed. */
  readonly received: number
  readonly size: number
}

export interface FetchModelOptions {
  /** Prefer files in half precision. */
  readonly variant?: 'fp16' | undefined
  readonly signal?: AbortSignal | undefined
  /** HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE; by default the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly fetch?: typeof fetch
  /** Milliseconds between attempts; for tests. */
  readonly pause?: (attempt: number) => number
}

/**
 * Finds a model of the hub in Hugging Face's cache, or downloads what is needed of it there. Gives the path of its folder, or
 * of its checkpoint file. What is whole in the cache is used without asking the hub.
 *
 * @throws OfgenError model_missing, model_invalid, download_failed, disk_full, output_unwritable.
 */
export async function* fetchModel(
  name: HubName,
  options: FetchModelOptions = {},
): AsyncGenerator<DownloadEvent, string, undefined> {
  const { variant, signal, environment = process.env } = options
  const { repo, revision, file } = name
  const cache = repoCache(repo, hubCacheFolder(environment))
  const choose = (paths: readonly string[]): NeededFiles =>
    file === undefined ? neededFiles(paths, { variant }) : { files: [file], missing: paths.includes(file) ? [] : [file] }
  const pathIn = (commit: string, { files: [first, ...more] }: NeededFiles): string =>
    more.length === 0 && first !== undefined ? join(cache.snapshot(commit), first) : cache.snapshot(commit)

  // 1. What is here
  const known = await cache.commitOf(revision)
  if (known !== undefined) {
    const here = choose(await cache.filesOf(known))
    const whole = file !== undefined || isOffline(environment) || (await isWhole(cache.snapshot(known), here.files))
    if (here.missing.length === 0 && whole) return pathIn(known, here)
  }
  if (isOffline(environment))
    throw new OfgenError('model_missing', `${repo} is not whole in ${cache.folder}, and HF_HUB_OFFLINE forbids to download it.`, {
      hint: 'Unset HF_HUB_OFFLINE once, or copy the cache of a machine that has it.',
    })

  // 2. What is there
  const hub = connect(environment, options.fetch ?? fetch, signal)
  const { commit, entries } = await hub.list(repo, revision)
  const needed = choose(entries.map(({ path }) => path))
  if (needed.missing.length > 0)
    throw new OfgenError('model_missing', `${repo} has no ${needed.missing[0]}, which a Stable Diffusion model needs.`, {
      hint: 'Give a repository in the diffusers layout, or one of its checkpoint files: owner/name/file.safetensors.',
    })

  // 3. What is missing
  const wanted = entries.filter(({ path }) => needed.files.includes(path))
  const size = wanted.reduce((sum, entry) => sum + entry.size, 0)
  await checkSpace(cache, wanted)
  const stop = new AbortController()
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  try {
    let [before, told] = [0, 0]
    for (const entry of wanted) {
      const path = safePath(entry.path)
      const queue = latest<number>()
      const work = fetchInto(cache, commit, { ...entry, path }, (received) => queue.put(received)).finally(() => queue.end())
      // It is awaited below; until then its failure is nobody's.
      work.catch(() => {})
      for await (const received of queue) {
        if (received < entry.size && before + received - told < Math.min(size / 100, 8e6)) continue
        told = before + received
        yield { type: 'download', model: repo, file: path, received: told, size }
      }
      await work
      before += entry.size
    }
  } finally {
    // Whoever asks for no more events wants no more files.
    stop.abort()
  }
  await cache.setCommit(revision, commit)
  return pathIn(commit, needed)

  async function fetchInto(
    cache: RepoCache,
    commit: string,
    entry: HubEntry,
    onProgress: (received: number) => void,
  ): Promise<void> {
    const whole = cache.blob(entry.checksum.hex)
    if (!(await exists(whole)))
      await downloadFile({
        url: `${hub.endpoint}/${repo}/resolve/${commit}/${entry.path.split('/').map(encodeURIComponent).join('/')}`,
        path: whole,
        title: `${repo}/${entry.path}`,
        headers: hub.headers,
        fetch: hub.fetch,
        size: entry.size,
        checksum: entry.checksum,
        signal: stopped,
        // The last byte is not reported before all are checked.
        onProgress: (received) => received < entry.size && onProgress(received),
        ...(options.pause === undefined ? {} : { pause: options.pause }),
      })
    await cache.place(entry.checksum.hex, commit, entry.path)
    onProgress(entry.size)
  }
}

/** Whether a snapshot has all networks that its own list names: someone may have fetched but a part of it. */
async function isWhole(snapshot: string, files: readonly string[]): Promise<boolean> {
  try {
    const list = JSON.parse(await readFile(join(snapshot, 'model_index.json'), 'utf8')) as Record<string, unknown>
    const named = ['text_encoder_2', 'tokenizer_2'].filter((part) => Array.isArray(list[part]) && list[part][0] !== null)
    return named.every((part) => files.some((path) => path.startsWith(`${part}/`)))
  } catch {
    return false
  }
}

interface HubEntry {
  readonly path: string
  readonly size: number
  readonly checksum: { readonly kind: 'sha256' | 'git'; readonly hex: string }
}

interface Hub {
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof fetch
  list(repo: string, revision: string): Promise<{ commit: string; entries: HubEntry[] }>
}

function connect(
  environment: Readonly<Record<string, string | undefined>>,
  get: typeof fetch,
  signal: AbortSignal | undefined,
): Hub {
  const endpoint = (environment['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, '')
  if (!/^https?:\/\/[^/]/.test(endpoint))
    throw new OfgenError('option_invalid', 'HF_ENDPOINT must be an address that begins with https:// or http://.')
  const token = environment['HF_TOKEN'] || undefined
  if (token !== undefined && !/^hf_[\w-]+$/.test(token))
    throw new OfgenError('option_invalid', 'HF_TOKEN must begin with hf_ and hold nothing but the token.', {
      hint: 'Make one on the settings page of your account, or unset HF_TOKEN: public models need none.',
    })
  const request: typeof fetch = (input, init) =>
    get(input, {
      ...init,
      signal: signal === undefined ? AbortSignal.timeout(60_000) : AbortSignal.any([signal, AbortSignal.timeout(60_000)]),
    })
  return {
    endpoint,
    fetch: get,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },

    async list(repo, revision) {
      const { HubApiError, listFiles, modelInfo } = await import('@huggingface/hub')
      const access = { hubUrl: endpoint, fetch: request, ...(token === undefined ? {} : { accessToken: token }) }
      try {
        const { sha: commit } = await modelInfo({ name: repo, revision, additionalFields: ['sha'], ...access })
        if (!/^[0-9a-f]{40}$/.test(commit)) throw odd(`the commit ${JSON.stringify(commit)}`)
        const entries: HubEntry[] = []
        for await (const { type, path, size, oid, lfs } of listFiles({
          repo: { type: 'model', name: repo },
          revision: commit,
          recursive: true,
          ...access,
        })) {
          if (type !== 'file') continue
          const checksum =
            lfs === undefined ? ({ kind: 'git', hex: oid ?? '' } as const) : ({ kind: 'sha256', hex: lfs.oid } as const)
          if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum.hex)) throw odd(`no checksum for ${path}`)
          entries.push({ path, size: lfs?.size ?? size, checksum })
        }
        return { commit, entries }
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason
        if (error instanceof OfgenError || isAbort(error)) throw error
        if (error instanceof HubApiError) throw refusal(error.statusCode, revision === 'main' ? repo : `${repo}@${revision}`)
        throw new OfgenError('download_failed', `${new URL(endpoint).host} cannot be reached to look up ${repo}.`, {
          hint: 'Check the connection; models that are in the cache already work without it. HF_ENDPOINT sets another address.',
          cause: error,
        })
      }

      function odd(what: string): OfgenError {
        return new OfgenError('download_failed', `${new URL(endpoint).host} answers with ${what} for ${repo}.`)
      }
    },
  }
}

async function checkSpace(cache: RepoCache, wanted: readonly HubEntry[]): Promise<void> {
  let size = 0
  for (const entry of wanted) if (!(await exists(cache.blob(entry.checksum.hex)))) size += entry.size
  await mkdir(cache.folder, { recursive: true }).catch(() => {})
  const space = await statfs(cache.folder).catch(() => undefined)
  if (space !== undefined && space.bavail * space.bsize < size) throw diskFull(cache.folder)
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

interface Latest<T> extends AsyncIterable<T> {
  put(value: T): void
  end(): void
}

/** Passes values on, of several that come between two looks only the last. */
function latest<T>(): Latest<T> {
  let value: { readonly it: T } | undefined
  let ended = false
  let wake = (): void => {}
  return {
    put(it) {
      value = { it }
      wake()
    },
    end() {
      ended = true
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = value
        value = undefined
        if (next !== undefined) yield next.it
        else if (ended) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}
