import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

// A small server that answers as huggingface.co does: model info, file tree in pages, files with ETags and ranges, large ones
// by a redirect to another host that must not see the token.

export interface FakeHub {
  readonly endpoint: string
  /** Every request: `hub GET /path` or `cdn GET /path`, with the range it asked for. */
  readonly requests: string[]
  /** Headers of the requests to the other host. */
  readonly cdnHeaders: IncomingMessage['headers'][]
  commit: string
  token: string | undefined
  /** May answer a download itself; true if it did. `from` is the first byte that was asked for. */
  fault: ((path: string, from: number, body: Buffer, response: ServerResponse) => boolean) | undefined
  close(): Promise<void>
}

export async function fakeHub(repo: string, files: Readonly<Record<string, Buffer>>): Promise<FakeHub> {
  const isLarge = (body: Buffer): boolean => body.length > 1000
  const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
  const gitHash = (body: Buffer): string => createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex')
  const entry = ([path, body]: [string, Buffer]): unknown =>
    isLarge(body)
      ? {
          type: 'file',
          path,
          size: body.length,
          oid: gitHash(Buffer.from('pointer')),
          lfs: { oid: sha256(body), size: body.length, pointerSize: 134 },
        }
      : { type: 'file', path, size: body.length, oid: gitHash(body) }

  function send(response: ServerResponse, request: IncomingMessage, path: string, body: Buffer): void {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (hub.fault?.(path, from, body, response) === true) return
    if (from >= body.length && from > 0) return void response.writeHead(416).end()
    if (from === 0) return void response.writeHead(200, { 'content-length': body.length }).end(body)
    response.writeHead(206, { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }).end(body.subarray(from))
  }

  const main = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x')
    const path = decodeURIComponent(url.pathname)
    hub.requests.push(`hub ${request.method} ${path}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`)
    const json = (status: number, value: unknown, headers: Record<string, string> = {}): unknown =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    if (hub.token !== undefined && request.headers.authorization !== `Bearer ${hub.token}`)
      return void json(401, { error: 'Invalid credentials in Authorization header' })
    if (path.startsWith(`/api/models/${repo}/revision/`)) {
      const revision = path.split('/').at(-1)
      if (revision !== 'main' && revision !== hub.commit) return void json(404, { error: 'Invalid rev id' })
      return void json(200, {
        _id: '1',
        id: repo,
        sha: hub.commit,
        private: false,
        gated: false,
        downloads: 1,
        likes: 1,
        lastModified: '2024-01-01T00:00:00Z',
      })
    }
    if (path === `/api/models/${repo}/tree/${hub.commit}`) {
      const all = Object.entries(files)
      const half = Math.ceil(all.length / 2)
      if (url.searchParams.has('cursor')) return void json(200, all.slice(half).map(entry))
      url.searchParams.set('cursor', 'next')
      return void json(200, all.slice(0, half).map(entry), { link: `<${hub.endpoint}${url.pathname}${url.search}>; rel="next"` })
    }
    const file = path.startsWith(`/${repo}/resolve/${hub.commit}/`)
      ? path.slice(`/${repo}/resolve/${hub.commit}/`.length)
      : undefined
    const body = file === undefined ? undefined : files[file]
    if (file === undefined || body === undefined) return void json(404, { error: 'Repository not found' })
    if (!isLarge(body)) return send(response, request, file, body)
    response.writeHead(302, { location: `${address(cdn)}/${file}?signature=x`, 'x-linked-etag': `"${sha256(body)}"` }).end()
  })
  const cdn = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname).slice(1)
    hub.requests.push(`cdn ${request.method} /${path}${request.headers.range === undefined ? '' : ` ${request.headers.range}`}`)
    hub.cdnHeaders.push(request.headers)
    send(response, request, path, files[path]!)
  })
  await Promise.all([main, cdn].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const hub: FakeHub = {
    endpoint: address(main),
    requests: [],
    cdnHeaders: [],
    commit: '0123456789abcdef0123456789abcdef01234567',
    token: undefined,
    fault: undefined,
    async close() {
      for (const server of [main, cdn]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
  return hub
}

function address(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
