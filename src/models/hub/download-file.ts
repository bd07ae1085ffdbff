import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OfgenError } from '../../errors.ts'
import { writeError } from '../../image/whole-file.ts'

export interface FileDownload {
  readonly url: string
  /** Where it will lie when it is whole; until then its bytes are in `<path>.incomplete`. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  /** What it must hash to: sha256 of the content, or sha1 as git hashes files. */
  readonly checksum: { readonly kind: 'sha256' | 'git'; readonly hex: string }
  /** For messages. */
  readonly title: string
  readonly headers: Readonly<Record<string, string>>
  readonly fetch: typeof fetch
  readonly signal?: AbortSignal | undefined
  /** Told of the bytes that are there, also of those from an earlier attempt. */
  readonly onProgress: (received: number) => void
  /** Milliseconds to wait before attempt n + 1; for tests. */
  readonly pause?: (attempt: number) => number
}

/** Attempts in a row that bring nothing. */
const patience = 5
/** Milliseconds without a byte after which a connection is given up. */
const silence = 60_000

/**
 * Fetches a file so that it is there whole and checked, or not at all. A cut connection is taken up where it broke off, in
 * this call and in later ones.
 *
 * @throws OfgenError download_failed, disk_full, output_unwritable; model_missing where the server refuses.
 */
export async function downloadFile(download: FileDownload): Promise<void> {
  const { path, size, signal, pause = (attempt: number): number => Math.min(30_000, 1000 * 2 ** attempt) } = download
  const part = `${path}.incomplete`
  try {
    await mkdir(dirname(path), { recursive: true })
    let [vain, broken] = [0, 0]
    for (;;) {
      const before = await sizeOf(part)
      if (before > size) await rm(part)
      let reason = 'it broke off'
      if (before < size || size === 0)
        reason = await receive(download, part, before > size ? 0 : before).catch((error: unknown) => {
          if (signal?.aborted === true) throw signal.reason
          if (error instanceof OfgenError || !isNetwork(error)) throw error
          return causeOf(error)
        })
      const after = await sizeOf(part)
      if (after === size) {
        if (await isIntact(part, download.checksum, size)) break
        await rm(part, { force: true })
        reason = 'what came is not what the server announced (checksum)'
        if (++broken === 2) throw failed(download, reason)
        continue
      }
      vain = after > before ? 0 : vain + 1
      if (vain === patience) throw failed(download, reason)
      await sleep(pause(vain), undefined, signal === undefined ? {} : { signal })
    }
    await rename(part, path)
  } catch (error) {
    throw writeError(error, path)
  }
}

/** Appends what comes; gives the reason where it ended early. */
async function receive(download: FileDownload, part: string, have: number): Promise<string> {
  const { url, size, headers, signal, onProgress, title } = download
  const quiet = new AbortController()
  let timer = setTimeout(() => quiet.abort(), silence)
  try {
    const response = await download.fetch(url, {
      headers: { ...headers, ...(have > 0 ? { Range: `bytes=${have}-` } : {}) },
      signal: signal === undefined ? quiet.signal : AbortSignal.any([signal, quiet.signal]),
    })
    if (response.status === 416) {
      await rm(part, { force: true })
      return 'the server has another size of it'
    }
    if (response.status === 429 || response.status >= 500) {
      await response.body?.cancel()
      return `the server answered ${response.status}`
    }
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw refusal(response.status, title)
    }
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '')
    let at = response.status === 206 ? Number(range?.[1] ?? have) : 0
    if (at > have) return 'the server sent another part than was asked for'
    const file = await open(part, have > 0 ? 'r+' : 'a+').then(async (opened) => {
      if (have > 0) return opened
      await opened.close()
      return open(part, 'r+')
    })
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        clearTimeout(timer)
        timer = setTimeout(() => quiet.abort(), silence)
        if (at + chunk.length > size) {
          await file.truncate(0)
          return 'more came than the server announced'
        }
        let done = 0
        while (done < chunk.length) done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten
        at += chunk.length
        onProgress(at)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    return 'the connection was cut'
  } finally {
    clearTimeout(timer)
  }
}

/** What an answer that is not the file means. */
export function refusal(status: number, title: string): OfgenError {
  if (status === 401 || status === 403)
    return new OfgenError('model_missing', `Hugging Face refuses ${title} (${status}): it is private, gated or does not exist.`, {
      hint: 'Accept its terms on its page, and put a token of your account that may read it into HF_TOKEN.',
    })
  if (status === 404)
    return new OfgenError('model_missing', `Hugging Face has no ${title}.`, {
      hint: 'Check the spelling: owner/name, as on its page.',
    })
  return new OfgenError('download_failed', `The server answered ${status} for ${title}.`, { hint: 'Try again later.' })
}

function failed({ title }: FileDownload, reason: string): OfgenError {
  return new OfgenError('download_failed', `${title} could not be downloaded: ${reason}.`, {
    hint: 'Run the same command again: what has come is kept and the download goes on from there.',
  })
}

/** Failures of the connection, as fetch reports them; those of the disk have codes of the file system. */
function isNetwork(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as { code?: unknown }).code
  return (
    error.name === 'TypeError' ||
    error.name === 'AbortError' ||
    (typeof code === 'string' && /^(UND_|ECONN|ETIMEDOUT|EPIPE)/.test(code))
  )
}

function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause
  const code = cause?.code ?? (error as { code?: unknown }).code
  if (error instanceof Error && error.name === 'AbortError') return 'nothing came for a minute'
  return typeof code === 'string' ? `the connection failed (${code})` : 'the connection was cut'
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => ({ size: 0 }))).size
}

async function isIntact(path: string, { kind, hex }: FileDownload['checksum'], size: number): Promise<boolean> {
  const hash: Hash = createHash(kind === 'git' ? 'sha1' : 'sha256')
  if (kind === 'git') hash.update(`blob ${size}\0`)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex') === hex
}
