import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fakeHub, type FakeHub } from '../../../test/fake-hub.ts'
import { isAbort } from '../../errors.ts'
import { Random } from '../../random.ts'
import { fetchModel, type DownloadEvent, type FetchModelOptions } from './fetch-model.ts'
import { parseHubName } from './hub-name.ts'

const repo = 'someone/A-Model'
const random = new Random(1)
const bytes = (count: number): Buffer => Buffer.from(Uint8Array.from({ length: count }, () => random.uniform() * 256))
const files: Record<string, Buffer> = {
  '.gitattributes': Buffer.from('*'),
  'README.md': Buffer.from('# A model'),
  'samples/1.png': bytes(5000),
  'model_index.json': Buffer.from('{}'),
  'a-model.safetensors': bytes(9000),
  'scheduler/scheduler_config.json': Buffer.from('{"beta_start":0.00085}'),
  'safety_checker/model.safetensors': bytes(3000),
  'text_encoder/config.json': Buffer.from('{}'),
  'text_encoder/model.safetensors': bytes(20_000),
  'text_encoder/model.fp16.safetensors': bytes(10_000),
  'tokenizer/merges.txt': Buffer.from('#version'),
  'tokenizer/vocab.json': Buffer.from('{}'),
  'unet/config.json': Buffer.from('{ }'),
  'unet/diffusion_pytorch_model.safetensors': bytes(200_000),
  'unet/diffusion_pytorch_model.fp16.safetensors': bytes(100_000),
  'vae/config.json': Buffer.from('{  }'),
  'vae/diffusion_pytorch_model.safetensors': bytes(30_000),
  'vae/diffusion_pytorch_model.bin': bytes(30_000),
}
const wanted = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'text_encoder/config.json',
  'text_encoder/model.safetensors',
  'tokenizer/merges.txt',
  'tokenizer/vocab.json',
  'unet/config.json',
  'unet/diffusion_pytorch_model.safetensors',
  'vae/config.json',
  'vae/diffusion_pytorch_model.safetensors',
]
const unet = 'unet/diffusion_pytorch_model.safetensors'

let hub: FakeHub
let home: string
beforeEach(async () => {
  hub = await fakeHub(repo, files)
  home = mkdtempSync(join(tmpdir(), 'ofgen-hub-'))
})
afterEach(async () => {
  await hub.close()
  rmSync(home, { recursive: true })
})

interface Fetched {
  readonly path: string
  readonly events: DownloadEvent[]
}
async function get(options: FetchModelOptions = {}, name = repo): Promise<Fetched> {
  const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: home, ...options.environment }
  const run = fetchModel(parseHubName(name)!, { pause: () => 1, ...options, environment })
  const events: DownloadEvent[] = []
  for (;;) {
    const next = await run.next()
    if (next.done === true) return { path: next.value, events }
    events.push(next.value)
  }
}
const folder = (): string => join(home, 'hub', 'models--someone--A-Model')
function filesIn(path: string): string[] {
  return (readdirSync(path, { recursive: true }) as string[])
    .filter((name) => !lstatSync(join(path, name)).isDirectory())
    .map((name) => name.replaceAll('\\', '/'))
    .toSorted()
}
const partsLeft = (): string[] => filesIn(home).filter((name) => /part$|incomplete$/.test(name))

test('what a model needs lies in the cache as Hugging Face’s own tools put it there, and nothing else', async () => {
  const { path, events } = await get()
  expect(path).toBe(join(folder(), 'snapshots', hub.commit))
  expect(filesIn(path)).toEqual(wanted)
  for (const file of wanted) expect(readFileSync(join(path, file)).equals(files[file]!), file).toBe(true)
  expect(readFileSync(join(folder(), 'refs', 'main'), 'utf8')).toBe(hub.commit)
  expect(readlinkSync(join(path, unet))).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/)
  expect(readlinkSync(join(path, 'vae/config.json'))).toMatch(/^\.\.\/\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/)
  expect(partsLeft()).toEqual([])
  const size = wanted.reduce((sum, file) => sum + files[file]!.length, 0)
  expect(events.at(-1)).toMatchObject({ model: repo, received: size, size })
  for (const [i, event] of events.entries()) if (i > 0) expect(event.received).toBeGreaterThanOrEqual(events[i - 1]!.received)
})

test('the second time nothing is asked of the hub, and offline neither', async () => {
  const { path } = await get()
  hub.requests.length = 0
  expect(await get()).toEqual({ path, events: [] })
  expect(await get({ environment: { HF_HUB_OFFLINE: '1' } })).toEqual({ path, events: [] })
  expect(hub.requests).toEqual([])
})

test('half precision is taken where it is asked for and there', async () => {
  const { path } = await get({ variant: 'fp16' })
  expect(filesIn(path).filter((name) => name.endsWith('.safetensors'))).toEqual([
    'text_encoder/model.fp16.safetensors',
    'unet/diffusion_pytorch_model.fp16.safetensors',
    'vae/diffusion_pytorch_model.safetensors',
  ])
})

test('one checkpoint file of a repository', async () => {
  const { path } = await get({}, `${repo}/a-model.safetensors`)
  expect(path).toBe(join(folder(), 'snapshots', hub.commit, 'a-model.safetensors'))
  expect(filesIn(join(folder(), 'snapshots'))).toEqual([`${hub.commit}/a-model.safetensors`])
  // That the file is there does not make the model whole.
  expect((await get()).path).toBe(join(folder(), 'snapshots', hub.commit))
  expect(filesIn(join(folder(), 'snapshots', hub.commit))).toHaveLength(wanted.length + 1)
})

test('a cut connection is taken up where it broke off', async () => {
  let cuts = 3
  hub.fault = (path, from, body, response) => {
    if (path !== unet || cuts-- <= 0) return false
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': body.length - from,
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    })
    response.write(body.subarray(from, from + 50_000), () => setTimeout(() => response.destroy(), 50))
    return true
  }
  const { path } = await get()
  expect(readFileSync(join(path, unet)).equals(files[unet]!)).toBe(true)
  const starts = hub.requests
    .filter((line) => line.startsWith(`cdn GET /${unet}`))
    .map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1] ?? 0))
  expect(starts).toHaveLength(4)
  expect(starts).toEqual(starts.toSorted((one, other) => one - other))
  expect(starts.at(-1)).toBeGreaterThan(0)
})

test('a download that is cancelled leaves nothing that is taken for whole, and the next one goes on from there', async () => {
  hub.fault = (path, _, body, response) => {
    if (path !== unet) return false
    response.writeHead(200, { 'content-length': body.length })
    response.write(body.subarray(0, 70_000))
    return true
  }
  const abort = new AbortController()
  const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: home }
  const run = fetchModel(parseHubName(repo)!, { signal: abort.signal, environment })
  const until = async (): Promise<void> => {
    for await (const { file, received } of run) if (file === unet && received > 60_000) abort.abort()
  }
  await expect(until()).rejects.toSatisfy(isAbort)
  expect(filesIn(folder()).filter((name) => name.startsWith('refs/'))).toEqual([])
  expect(filesIn(join(folder(), 'snapshots', hub.commit))).not.toContain(unet)
  expect(partsLeft()).toHaveLength(1)
  await expect(get({ environment: { HF_HUB_OFFLINE: 'true' } })).rejects.toMatchObject({ code: 'model_missing' })
  hub.fault = undefined
  hub.requests.length = 0
  const { path } = await get()
  expect(readFileSync(join(path, unet)).equals(files[unet]!)).toBe(true)
  expect(hub.requests.find((line) => line.startsWith(`cdn GET /${unet}`))).toMatch(/bytes=[67]\d{4}-$/)
  expect(partsLeft()).toEqual([])
})

test('a generator that is not read on stops downloading', async () => {
  const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: home }
  for await (const { file } of fetchModel(parseHubName(repo)!, { environment })) if (file.startsWith('text')) break
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(hub.requests.some((line) => line.includes(unet))).toBe(false)
})

test('content that is not what the tree announces is fetched again once, then refused', async () => {
  let wrong = 1
  hub.fault = (path, from, body, response) => {
    if (path !== unet || wrong-- <= 0) return false
    const other = Buffer.from(body.subarray(from))
    other[5]! ^= 1
    response.writeHead(200).end(other)
    return true
  }
  const { path } = await get()
  expect(readFileSync(join(path, unet)).equals(files[unet]!)).toBe(true)
  rmSync(home, { recursive: true })
  wrong = 99
  await expect(get()).rejects.toMatchObject({
    code: 'download_failed',
    message: expect.stringMatching(/unet.*checksum/) as unknown,
  })
  expect(partsLeft()).toEqual([])
})

test('a part of something else in the way is noticed', async () => {
  await get()
  const blob = join(
    folder(),
    'blobs',
    readlinkSync(join(folder(), 'snapshots', hub.commit, unet))
      .split('/')
      .at(-1)!,
  )
  rmSync(blob)
  writeFileSync(`${blob}.incomplete`, bytes(1234))
  const { path } = await get()
  expect(readFileSync(join(path, unet)).equals(files[unet]!)).toBe(true)
})

test('a server that knows no ranges, and one that is overloaded for a while', async () => {
  let answers = 0
  hub.fault = (path, _, body, response) => {
    if (path !== unet) return false
    answers++
    if (answers === 1) response.writeHead(503).end()
    else if (answers === 2) response.writeHead(200).write(body.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20))
    else {
      response.writeHead(200).end(body)
    }
    return true
  }
  const { path } = await get()
  expect(readFileSync(join(path, unet)).equals(files[unet]!)).toBe(true)
})

test('a server that never gives it is given up with a sentence', async () => {
  hub.fault = (path, _, __, response) => path === unet && Boolean(response.writeHead(500).end())
  await expect(get()).rejects.toMatchObject({
    code: 'download_failed',
    message: `${repo}/${unet} could not be downloaded: the server answered 500.`,
  })
})

test('the token goes to the hub and to nobody else', async () => {
  hub.token = 'hf_secret'
  await expect(get()).rejects.toMatchObject({ code: 'model_missing', message: expect.stringContaining('401') as unknown })
  await get({ environment: { HF_TOKEN: 'hf_secret' } })
  expect(hub.cdnHeaders.length).toBeGreaterThan(0)
  for (const headers of hub.cdnHeaders) expect(headers.authorization).toBeUndefined()
  await expect(get({ environment: { HF_TOKEN: 'secret' } }, 'other/model')).rejects.toMatchObject({
    code: 'option_invalid',
    message: expect.not.stringContaining('secret') as unknown,
  })
})

test('what is not there is said: the model, the revision, the weights, the hub', async () => {
  await expect(get({}, 'someone/else')).rejects.toMatchObject({ message: 'Hugging Face has no someone/else.' })
  await expect(get({}, `${repo}@v9`)).rejects.toMatchObject({ message: `Hugging Face has no ${repo}@v9.` })
  await expect(get({}, `${repo}/other.safetensors`)).rejects.toMatchObject({
    message: expect.stringContaining('no other.safetensors') as unknown,
  })
  await expect(get({ environment: { HF_ENDPOINT: 'http://127.0.0.1:1' } })).rejects.toMatchObject({
    code: 'download_failed',
    message: expect.stringContaining('127.0.0.1:1 cannot be reached') as unknown,
  })
  await expect(get({ environment: { HF_ENDPOINT: 'ftp' } })).rejects.toMatchObject({ code: 'option_invalid' })
  await expect(get({ environment: { HF_HUB_OFFLINE: '1' } })).rejects.toMatchObject({
    message: expect.stringContaining('HF_HUB_OFFLINE') as unknown,
  })
})

test('a snapshot that lacks what its own list names is completed', async () => {
  const second = { 'text_encoder_2/config.json': '{}', 'text_encoder_2/model.safetensors': 'w', 'tokenizer_2/merges.txt': '#' }
  const { path } = await get()
  writeFileSync(
    join(path, 'model_index.json'),
    JSON.stringify({ text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'] }),
  )
  for (const [name, text] of Object.entries(second)) files[name] = Buffer.from(text)
  try {
    await get()
    for (const name of Object.keys(second)) expect(filesIn(path)).toContain(name)
  } finally {
    for (const name of Object.keys(second)) delete files[name]
  }
})

test('a commit stands for itself and needs no reference', async () => {
  const { path } = await get({}, `${repo}@${hub.commit}`)
  expect(filesIn(path)).toEqual(wanted)
  expect(filesIn(folder()).some((name) => name.startsWith('refs'))).toBe(false)
})
