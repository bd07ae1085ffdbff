import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { frameStoreContract } from '../animate/frame-store.contract.ts'
import { blankFrame } from '../image/frame.ts'
import { frameName, openRenderFolder, type Manifest, type RenderFolder } from './render-folder.ts'

const manifest: Manifest = {
  version: '0.0.0',
  state: 'rendering',
  render: 'one',
  source: { path: 'clip.mp4', description: 'h264' },
  model: { name: 'embedded', hash: 'abc' },
  size: { width: 6, height: 4 },
  settings: {},
  resolved: { strength: 0.5, seed: 1 },
  started: '2026-01-01T00:00:00.000Z',
}

let base: string
const opened: RenderFolder[] = []
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'ofgen-folder-'))
})
afterEach(async () => {
  for (const folder of opened.splice(0)) await folder.close()
  await rm(base, { recursive: true, force: true })
})

async function openFolder(path: string, changed: Partial<Manifest> = {}, overwrite = false): Promise<RenderFolder> {
  const folder = await openRenderFolder(path, { ...manifest, ...changed }, { overwrite })
  opened.push(folder)
  return folder
}
const record = (frame: number, key: string) => ({
  frame,
  time: 0,
  key,
  shot: 0,
  prompt: '',
  seed: 1,
  evaluations: 1,
  painted: 1,
  seconds: 1,
})

frameStoreContract('render folder', () => openFolder(join(base, `out${opened.length}`)))

test('frames, records and manifest lie where the contract says', async () => {
  const out = join(base, 'new', 'out')
  const folder = await openFolder(out)
  await folder.put(record(7, 'k'), blankFrame(6, 4))
  expect(frameName(7)).toBe('converted_000007.png')
  expect((await readFile(join(out, 'converted_000007.png'))).subarray(1, 4).toString()).toBe('PNG')
  expect(JSON.parse((await readFile(join(out, 'frames.jsonl'), 'utf8')).trim())).toMatchObject({ frame: 7, key: 'k' })
  expect(JSON.parse(await readFile(join(out, 'ofgen.json'), 'utf8'))).toMatchObject({ state: 'rendering', render: 'one' })
})

test('the same render goes on where it was, also after a line was cut in the middle', async () => {
  const out = join(base, 'out')
  const first = await openFolder(out)
  await first.put(record(0, 'a'), blankFrame(6, 4))
  await first.close()
  opened.length = 0
  await appendFile(join(out, 'frames.jsonl'), '{"frame":1,"key":"b","ti')
  const again = await openFolder(out)
  expect(again.found).toBe(1)
  await again.put(record(1, 'c'), blankFrame(6, 4))
  expect(await again.find(0, 'a')).toBeDefined()
  await again.close()
  opened.length = 0
  const third = await openFolder(out)
  expect(await third.find(1, 'c')).toBeDefined()
})

test('a frame whose file is damaged is not found', async () => {
  const folder = await openFolder(join(base, 'out'))
  await folder.put(record(0, 'a'), blankFrame(6, 4))
  await writeFile(folder.framePath(0), 'no picture')
  expect(await folder.find(0, 'a')).toBeUndefined()
})

test('a folder that holds something else is refused and left alone', async () => {
  await mkdir(join(base, 'photos'))
  await writeFile(join(base, 'photos', 'holiday.jpg'), '1')
  await expect(openFolder(join(base, 'photos'))).rejects.toMatchObject({
    code: 'output_occupied',
    message: expect.stringContaining('holiday.jpg') as string,
  })
})

test('a render with other settings is refused by what differs, and taken over with overwrite', async () => {
  const out = join(base, 'out')
  await (await openFolder(out)).close()
  opened.length = 0
  const changed = { render: 'two', resolved: { strength: 0.7, seed: 1 } }
  await expect(openFolder(out, changed)).rejects.toMatchObject({
    code: 'output_occupied',
    message: expect.stringContaining('(strength)') as string,
  })
  await expect(openFolder(out, changed, true)).resolves.toBeDefined()
})

test('a file in the place of the folder is refused', async () => {
  await writeFile(join(base, 'out'), '')
  await expect(openFolder(join(base, 'out'))).rejects.toMatchObject({ code: 'output_occupied' })
})

test('a folder in use is refused; the lock of a process that is gone is not', async () => {
  const out = join(base, 'out')
  await openFolder(out)
  await expect(openRenderFolder(out, manifest, { overwrite: true })).rejects.toMatchObject({ code: 'output_occupied' })
  await opened.pop()!.close()
  await writeFile(join(out, 'ofgen.lock'), '999999999\n')
  await expect(openFolder(out)).resolves.toBeDefined()
})
