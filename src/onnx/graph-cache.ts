import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { cacheFolder } from './cache-folder.ts'
import { digestModel } from './model-digest.ts'
import { cpuFeatures, runtimeVersion } from './runtime.ts'

// A network as the runtime rewrites it at load, kept on disk: loading it again takes a second instead of half a minute and
// maps the weights instead of copying them. An entry is a folder named by a hash of all that it depends on. It is made under
// another name, flushed and renamed, so that it is there whole or not at all; whoever finds two makers keeps the first.

/** Layout of the entries and rules they were made by; another number makes them all anew. */
const layout = 1
const files = { graph: 'model.onnx', weights: 'weights.bin', about: 'entry.json' } as const

export interface GraphCacheOptions {
  /** Default: `graphs` in the folder for such files of the platform or of OFGEN_CACHE. */
  readonly folder?: string | undefined
  /** Bytes that all entries together may take; the longest unused go first. Default: OFGEN_CACHE_SIZE in GB, else 24 GB. */
  readonly limit?: number | undefined
  /** Networks with fewer bytes of float32 weights load quickly enough and are not kept. Default 128 MB. */
  readonly minimum?: number | undefined
}

/** One kept network. */
export interface GraphCacheEntry {
  readonly key: string
  /** What the network was called, for example `the UNet`, and the file its weights came from. */
  readonly name: string
  readonly source: string
  readonly bytes: number
  readonly used: Date
  /** Why it will not be used again on this machine, if so. */
  readonly stale: 'another runtime' | 'another processor' | 'damaged' | undefined
}

/** What an engine needs of a cache. */
export interface GraphCache {
  /** Where the network's entry would be, undefined if it is not worth one. */
  keyOf(model: Uint8Array, root: string, name: string): Promise<GraphCacheKey | undefined>
  /** Path of the kept graph; undefined if there is none or it is damaged, which removes it. */
  find(key: GraphCacheKey): Promise<string | undefined>
  /** Makes an entry: `write` gets the paths to write to. Gives the path of the graph, undefined if it could not be kept. */
  keep(key: GraphCacheKey, write: (graph: string, weights: string) => Promise<void>): Promise<string | undefined>
  /** Removes an entry that the runtime could not load. */
  drop(key: GraphCacheKey): Promise<void>
  /** Newest first. */
  list(): Promise<GraphCacheEntry[]>
  /** Removes entries, by default all, and remains of makers that were killed. Gives the bytes that were freed. */
  clean(which?: (entry: GraphCacheEntry) => boolean): Promise<number>
  readonly folder: string
  readonly limit: number
}

export interface GraphCacheKey {
  readonly key: string
  readonly name: string
  readonly source: string
  readonly floatBytes: number
}

const aboutSchema = z.object({
  name: z.string(),
  source: z.string(),
  runtime: z.string(),
  cpu: z.string(),
  graph: z.object({ bytes: z.number(), hash: z.string() }),
  weights: z.object({ bytes: z.number(), hash: z.string() }),
})
type About = z.output<typeof aboutSchema>

const day = 24 * 3600 * 1000
/** What stays free on the disk. */
const spare = 2e9

function limitFromEnvironment(): number {
  const gigabytes = Number(process.env['OFGEN_CACHE_SIZE'] || 24)
  return (Number.isFinite(gigabytes) && gigabytes >= 0 ? gigabytes : 24) * 1e9
}

/** Opens the cache of optimised networks. Nothing is created before the first entry; no failure of it is ever thrown. */
export function openGraphCache(options: GraphCacheOptions = {}): GraphCache {
  const folder = options.folder ?? join(cacheFolder(), 'graphs')
  const limit = options.limit ?? limitFromEnvironment()
  const minimum = options.minimum ?? 128e6
  const place = (key: string): string => join(folder, key)

  async function list(): Promise<GraphCacheEntry[]> {
    const names = await readdir(folder).catch(() => [])
    const entries = await Promise.all(
      names.filter((name) => /^[0-9a-f]{32}$/.test(name)).map(async (key) => describe(key, place(key)).catch(() => undefined)),
    )
    return entries.filter((entry) => entry !== undefined).toSorted((a, b) => b.used.getTime() - a.used.getTime())
  }

  /** Makes room for `wanted` bytes. */
  async function prune(wanted: number, keep?: string): Promise<void> {
    const entries = await list()
    let total = wanted + entries.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const { key, bytes } of entries.toReversed()) {
      if (total <= limit) return
      if (key === keep) continue
      await rm(place(key), { recursive: true, force: true }).catch(() => {})
      total -= bytes
    }
  }

  /** Of makers that were killed: those of this machine after `age` milliseconds, all after a day. */
  async function removeRemains(age: number): Promise<void> {
    for (const name of await readdir(folder).catch(() => [])) {
      const maker = Number(/^part-(\d+)-/.exec(name)?.[1] ?? 0)
      if (maker === 0) continue
      const path = join(folder, name)
      const old = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
      if (old > day || (old >= age && !isAlive(maker))) await rm(path, { recursive: true, force: true }).catch(() => {})
    }
  }

  return {
    folder,
    limit,
    list,

    async keyOf(model, root, name) {
      try {
        const { hash, floatBytes, files: weights } = await digestModel(model, root)
        if (floatBytes < minimum || floatBytes > limit) return undefined
        const all = [layout, hash, runtimeVersion(), cpuFeatures(), process.platform].join('\n')
        const key = createHash('sha256').update(all).digest('hex').slice(0, 32)
        return { key, name, source: weights[0] ?? '', floatBytes }
      } catch {
        return undefined
      }
    },

    async find({ key }) {
      const at = place(key)
      try {
        const about = await readAbout(at)
        const [graph, weights] = await Promise.all([fileHash(join(at, files.graph)), fileHash(join(at, files.weights))])
        if (same(about.graph, graph) && same(about.weights, weights)) {
          const now = new Date()
          await utimes(join(at, files.about), now, now).catch(() => {})
          return join(at, files.graph)
        }
      } catch (error) {
        if ((error as { code?: unknown }).code === 'ENOENT' && (await stat(at).catch(() => undefined)) === undefined)
          return undefined
      }
      await rm(at, { recursive: true, force: true }).catch(() => {})
      return undefined
    },

    async keep({ key, name, source, floatBytes }, write) {
      let part: string | undefined
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await removeRemains(3600e3)
        await prune(floatBytes)
        const { bavail, bsize } = await statfs(folder)
        if (bavail * bsize < floatBytes * 1.1 + spare) return undefined
        part = await mkdtemp(join(folder, `part-${process.pid}-`))
        await write(join(part, files.graph), join(part, files.weights))
        // Small constants lie in the graph itself.
        await (await open(join(part, files.weights), 'a')).close()
        const about: About = {
          name,
          source,
          runtime: runtimeVersion(),
          cpu: cpuFeatures(),
          graph: await fileHash(join(part, files.graph)),
          weights: await fileHash(join(part, files.weights)),
        }
        await writeFile(join(part, files.about), JSON.stringify(about, undefined, 2))
        for (const file of Object.values(files)) await flush(join(part, file))
        await rename(part, place(key)).catch(async (error: unknown) => {
          // Another process was as quick.
          if ((await stat(place(key)).catch(() => undefined)) === undefined) throw error
        })
        await prune(0, key)
        return join(place(key), files.graph)
      } catch {
        return undefined
      } finally {
        if (part !== undefined) await rm(part, { recursive: true, force: true }).catch(() => {})
      }
    },

    async drop({ key }) {
      await rm(place(key), { recursive: true, force: true }).catch(() => {})
    },

    async clean(which = () => true) {
      let freed = 0
      for (const entry of await list()) {
        if (!which(entry)) continue
        const gone = await rm(place(entry.key), { recursive: true, force: true }).then(
          () => true,
          () => false,
        )
        if (gone) freed += entry.bytes
      }
      await removeRemains(0)
      return freed
    },
  }
}

async function readAbout(at: string): Promise<About> {
  return aboutSchema.parse(JSON.parse(await readFile(join(at, files.about), 'utf8')))
}

async function describe(key: string, at: string): Promise<GraphCacheEntry> {
  const sizes = await Promise.all(Object.values(files).map((file) => stat(join(at, file)).catch(() => undefined)))
  const bytes = sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0)
  const used = sizes[2]?.mtime ?? (await stat(at)).mtime
  try {
    const { name, source, runtime, cpu, graph, weights } = await readAbout(at)
    const whole = sizes[0]?.size === graph.bytes && sizes[1]?.size === weights.bytes
    const stale = !whole
      ? 'damaged'
      : runtime !== runtimeVersion()
        ? 'another runtime'
        : cpu !== cpuFeatures()
          ? 'another processor'
          : undefined
    return { key, name, source, bytes, used, stale }
  } catch {
    return { key, name: basename(at), source: '', bytes, used, stale: 'damaged' }
  }
}

const block = 16 * 1024
const blocks = 256

/** Size and a hash of the file: of all of it up to 4 MB, of evenly spaced blocks beyond, which finds every cut and hole. */
async function fileHash(path: string): Promise<{ bytes: number; hash: string }> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(block)
    const count = Math.min(blocks, Math.ceil(size / block))
    for (let i = 0; i < count; i++) {
      const position = count < blocks ? i * block : Math.round((i * Math.max(0, size - block)) / (blocks - 1))
      const { bytesRead } = await file.read(buffer, 0, block, position)
      hash.update(buffer.subarray(0, bytesRead))
    }
    return { bytes: size, hash: hash.digest('hex') }
  } finally {
    await file.close()
  }
}

function same(a: { bytes: number; hash: string }, b: { bytes: number; hash: string }): boolean {
  return a.bytes === b.bytes && a.hash === b.hash
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
