import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { fakeHub } from './fake-hub.ts'

const program = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-cli-models-'))
afterAll(() => rmSync(folder, { recursive: true }))
const environment = { OFGEN_CACHE: join(folder, 'cache'), HF_HOME: join(folder, 'hf') }

function ofgen(args: readonly string[], more: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env: { ...process.env, ...environment, ...more } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    )
  })
}

test('models list names what lies in the folder of models and in Hugging Face’s cache', async () => {
  const models = join(folder, 'webui', 'models', 'Stable-diffusion')
  mkdirSync(models, { recursive: true })
  writeFileSync(join(models, 'anime.safetensors'), 'x')
  const { code, out } = await ofgen(['models', 'list', '--models-dir', join(folder, 'webui')])
  expect(code).toBe(0)
  expect(out).toMatch(/^embedded .*\nanime .*anime\.safetensors$/m)
})

test('models get downloads, list shows it; what is not there is said in two lines', async () => {
  const large = Buffer.alloc(50_000, 'weights ')
  const hub = await fakeHub('someone/checkpoint', { 'README.md': Buffer.from('#'), 'model.safetensors': large })
  try {
    const at = { HF_ENDPOINT: hub.endpoint }
    const got = await ofgen(['models', 'get', 'someone/checkpoint'], at)
    expect(got).toMatchObject({ code: 0, err: '' })
    expect(got.out).toMatch(/^downloaded someone\/checkpoint, 0\.00 GB\n.*model\.safetensors\n$/)
    expect((await ofgen(['models', 'list'])).out).toContain('someone/checkpoint')
    const none = await ofgen(['models', 'get', 'someone/nothing'], at)
    expect(none).toMatchObject({ code: 2, out: '' })
    expect(none.err).toBe('ofgen: Hugging Face has no someone/nothing.\n       Check the spelling: owner/name, as on its page.\n')
  } finally {
    await hub.close()
  }
})

test('models cache lists what is kept, clean removes it', async () => {
  const entry = join(environment.OFGEN_CACHE, 'graphs', '0'.repeat(32))
  mkdirSync(entry, { recursive: true })
  writeFileSync(join(entry, 'weights.bin'), Buffer.alloc(3_000_000))
  expect((await ofgen(['models', 'cache'])).out).toMatch(/3\.0 MB .*\(damaged\)\n3\.0 MB of at most 24\.00 GB in /)
  expect((await ofgen(['models', 'clean', '--stale'])).out).toMatch(/^freed 3\.0 MB/)
  expect(readdirSync(join(environment.OFGEN_CACHE, 'graphs'))).toEqual([])
})

test('doctor goes through the machine, with --json a line a finding', async () => {
  const { code, out } = await ofgen(['doctor', '--json'])
  const findings = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { topic: string; state: string })
  expect(code).toBe(findings.some(({ state }) => state === 'problem') ? 1 : 0)
  expect(findings.map(({ topic }) => topic)).toEqual(expect.arrayContaining(['node', 'memory', 'device cpu', 'ffmpeg', 'cache']))
})
