import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cutFile, h264, makeClip, picture } from './media/make-clip.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const clip = join(root, 'test/media/flower.mp4')
/** Settings under which a frame takes a fraction of a second. */
const quick = ['--size', '64x48', '--steps', '4', '--strength', '0.5', '--cfg-scale', '1', '--style', 'oil']

let base: string
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'ofgen-cli-'))
})
afterAll(() => rm(base, { recursive: true, force: true }))

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function ofgen(args: readonly string[], onChild?: (child: ChildProcess, out: () => string) => void): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...args], {
      cwd: base,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      onChild?.(child, () => out)
    })
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

test('a clip is restyled into the folder that the contract describes, and a second run keeps it', async () => {
  const out = join(base, 'first')
  const first = await ofgen([clip, '-o', out, '--range', '0..4', ...quick])
  expect(first.err).toBe('')
  expect(first.code).toBe(0)
  expect((await readdir(out)).sort()).toEqual([
    'converted_000000.png',
    'converted_000001.png',
    'converted_000002.png',
    'converted_000003.png',
    'flower.mp4',
    'frames.jsonl',
    'ofgen.json',
    'painted',
  ])
  expect(JSON.parse(await readFile(join(out, 'ofgen.json'), 'utf8'))).toMatchObject({
    state: 'done',
    size: { width: 64, height: 48 },
  })
  expect(first.out).toContain(join(out, 'flower.mp4'))
  const picture = await readFile(join(out, 'converted_000002.png'))
  const again = await ofgen([clip, '--o', out, '--range', '0..4', ...quick, '--json'])
  expect(again.code).toBe(0)
  const frames = again.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; kept?: boolean })
    .filter(({ type }) => type === 'frame')
  expect(frames.map(({ kept }) => kept)).toEqual([true, true, true, true])
  expect(await readFile(join(out, 'converted_000002.png'))).toEqual(picture)
})

test("the reference spelling of paths, debug pictures and a schedule of one's own", async () => {
  const out = join(base, 'reference')
  await writeFile(join(base, 'mine.js'), 'export default (progress, { dist_mat }) => dist_mat.map((d) => (d > 1 ? 0.1 : 0.7))')
  const { code, err } = await ofgen([
    '--i',
    clip,
    '--o',
    out,
    '--method',
    'reference',
    '--schedule',
    'mine.js',
    '--debug',
    '--range',
    '0..3',
    ...quick,
  ])
  expect(err).toBe('')
  expect(code).toBe(0)
  const names = await readdir(join(out, 'debug'))
  for (const name of ['raw', 'warped', 'weight', 'flow']) expect(names).toContain(`${name}_000001.png`)
})

test('compare writes the unguided frames, a side-by-side and a report that stands alone', async () => {
  const out = join(base, 'compare')
  const { code, err } = await ofgen([clip, '-o', out, '--compare', '--range', '0..4', ...quick])
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(existsSync(join(out, 'unguided/converted_000003.png'))).toBe(true)
  expect(existsSync(join(out, 'side-by-side.mp4'))).toBe(true)
  const page = await readFile(join(out, 'report.html'), 'utf8')
  expect(page).toContain('<svg')
  expect(page).not.toMatch(/(src|href)="https?:/)
})

test('Ctrl-C ends with 130, keeps the frames and says how to go on; the same command then finishes', async () => {
  const out = join(base, 'interrupted')
  const args = [clip, '-o', out, '--range', '0..8', '--json', ...quick, '--format', 'none']
  let sent = false
  const stopped = await ofgen(args, (child, text) => {
    if (!sent && (text().match(/"type":"frame"/g) ?? []).length >= 2) sent = child.kill('SIGINT')
  })
  expect(stopped.code).toBe(130)
  expect(stopped.err).toContain('run the same command again')
  expect(stopped.err).toContain(out)
  const framesIn = async (folder: string): Promise<number> =>
    (await readdir(folder)).filter((name) => /^converted_.*\.png$/.test(name)).length
  expect(await framesIn(out)).toBeGreaterThanOrEqual(2)
  expect(await framesIn(join(out, 'painted'))).toBeGreaterThan(2)
  expect(await framesIn(out)).toBeLessThan(8)
  expect(JSON.parse(await readFile(join(out, 'ofgen.json'), 'utf8'))).toMatchObject({ state: 'interrupted' })
  const resumed = await ofgen(args)
  expect(resumed.code).toBe(0)
  expect(resumed.out.match(/"kept":true/g)!.length).toBeGreaterThanOrEqual(2)
  const whole = join(base, 'whole')
  await ofgen([clip, '-o', whole, '--range', '0..8', ...quick, '--format', 'none'])
  for (let n = 0; n < 8; n++)
    expect(await readFile(join(out, `converted_00000${n}.png`)), `frame ${n}`).toEqual(
      await readFile(join(whole, `converted_00000${n}.png`)),
    )
})

const refused: readonly (readonly [name: string, args: () => Promise<string[]> | string[], message: RegExp])[] = [
  ['no video', () => [], /No video was given/],
  ['no output', () => [clip], /No output folder was given/],
  ['no such file', () => ['nothing.mp4', '-o', 'x1'], /nothing\.mp4/],
  [
    'a text file named .mp4',
    async () => {
      await writeFile(join(base, 'text.mp4'), 'this is no video\n'.repeat(50))
      return ['text.mp4', '-o', 'x2']
    },
    /text\.mp4/,
  ],
  [
    'an empty folder',
    async () => {
      await mkdir(join(base, 'empty'))
      return ['empty', '-o', 'x3']
    },
    /empty/,
  ],
  ['an unknown option', () => [clip, '-o', 'x4', '--strenght', '1'], /unknown option '--strenght'/],
  ['a value out of range', () => [clip, '-o', 'x5', '--strength', '2'], /--strength cannot be 2; accepted: a number from 0 to 1/],
  ['a value that is no number', () => [clip, '-o', 'x6', '--steps', 'many'], /--steps.*many/],
  [
    'an unknown method',
    () => [clip, '-o', 'x7', '--method', 'magic'],
    /--method cannot be "magic"; accepted: flow, previous, reference, none/,
  ],
  ['an unknown style', () => [clip, '-o', 'x8', '--style', 'cubism'], /accepted for mini-sd: anime, oil/],
  ['a size the model cannot work in', () => [clip, '-o', 'x9', '--size', '63x48'], /must be a multiple of/],
  ['a range that is none', () => [clip, '-o', 'x10', '--range', 'middle'], /--range/],
  ['a missing model', () => [clip, '-o', 'x11', '--model', 'nowhere'], /There is no model nowhere/],
  [
    'a truncated model',
    async () => {
      await cp(join(root, 'assets/mini-sd'), join(base, 'cut-model'), { recursive: true })
      await truncate(join(base, 'cut-model/unet/diffusion_pytorch_model.safetensors'), 1_000_000)
      return [clip, '-o', 'x12', '--model', 'cut-model']
    },
    /diffusion_pytorch_model\.safetensors/,
  ],
  [
    'a model with a part missing',
    async () => {
      await cp(join(root, 'assets/mini-sd'), join(base, 'part-model'), { recursive: true })
      await rm(join(base, 'part-model/vae'), { recursive: true })
      return [clip, '-o', 'x13', '--model', 'part-model']
    },
    /vae/,
  ],
  [
    'a schedule with a mistake',
    async () => {
      await writeFile(join(base, 'bad.js'), 'export default (progress) => {\n  return progresss\n}\n')
      return [clip, '-o', 'x14', '--schedule', 'bad.js']
    },
    /bad\.js:2/,
  ],
  [
    'an output folder that holds something else',
    async () => {
      await mkdir(join(base, 'photos'))
      await writeFile(join(base, 'photos/holiday.jpg'), '')
      return [clip, '-o', 'photos']
    },
    /photos holds something else \(holiday\.jpg\)/,
  ],
]

test.each(refused)('%s: refused with 2, one sentence and a hint, before anything is made', async (_, args, message) => {
  const list = await args()
  const before = await readdir(base)
  const { code, out, err } = await ofgen(list)
  expect(err).toMatch(message)
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(err.trim().split('\n').length).toBe(2)
  expect(await readdir(base)).toEqual(before)
})

test('a video that is cut: what could be read is done, and said', async () => {
  const whole = await makeClip(base, 'whole.mkv', [...picture(4), ...h264])
  const cut = await cutFile(whole, join(base, 'cut.mkv'), 0.3)
  const { code, out, err } = await ofgen([cut, '-o', 'cut', '--fps', '5', ...quick])
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/note: .*cut\.mkv.*cut/)
  const frames = (await readdir(join(base, 'cut'))).filter((name) => name.startsWith('converted_'))
  expect(frames.length).toBeGreaterThan(0)
  expect(frames.length).toBeLessThan(20)
  expect(existsSync(join(base, 'cut/cut.mp4'))).toBe(true)
})

test('help names every group of settings and the commands', async () => {
  const { code, out } = await ofgen(['--help'])
  expect(code).toBe(0)
  for (const word of ['demo', 'measure', 'Usage']) expect(out).toContain(word)
  const render = await ofgen(['render', '--help'])
  for (const word of ['Style:', 'Steadiness:', 'Video:', '--cfg-scale', '--method <flow|previous|reference|none>'])
    expect(render.out).toContain(word)
})

test("smooth steadies anyone's frames, measures them before and after, and keeps them in a second run", async () => {
  const frames = join(base, 'of-another-tool')
  const painted = await ofgen([clip, '-o', frames, '--method', 'none', '--range', '0..6', ...quick, '--format', 'none'])
  expect(painted.code).toBe(0)
  const out = join(base, 'smooth')
  const args = ['smooth', clip, join(frames, 'converted_%06d.png'), '-o', out, '--range', '0..6', '--reach', '2']
  const first = await ofgen(args)
  expect(first.err).toBe('')
  expect(first.out).toContain('Warp error')
  expect((await readdir(out)).sort()).toEqual(
    [
      ...Array.from({ length: 6 }, (_, n) => `converted_00000${n}.png`),
      'flower.mp4',
      'frames.jsonl',
      'ofgen.json',
      'report.html',
    ].sort(),
  )
  const again = await ofgen([...args, '--json'])
  expect(again.out.match(/"kept":true/g)).toHaveLength(6)
  const wrong = await ofgen(['smooth', clip, join(frames, 'converted_%06d.png'), '-o', join(base, 'uneven'), '--range', '0..4'])
  expect(wrong.code).toBe(2)
  expect(wrong.err).toMatch(/has more frames, the source 4/)
})

test('a prompt file is checked before anything is made; a change of it concerns its frames alone', async () => {
  const out = join(base, 'prompted')
  const file = join(base, 'prompts.txt')
  const render = (...more: string[]): Promise<Outcome> =>
    ofgen([clip, '-o', out, '--range', '0..4', ...quick, '--method', 'none', '--prompt-file', file, '--json', ...more])
  await writeFile(file, '# comment\nall: {style}\n2-3: a AND b\n')
  const refused = await render()
  expect(refused.code).toBe(2)
  expect(refused.err).toMatch(/prompts\.txt, line 3: .*AND/)
  expect(existsSync(out)).toBe(false)
  await writeFile(file, 'all: {style}\n2-3: sketch\n')
  expect((await render()).code).toBe(0)
  await writeFile(file, 'all: {style}\n3: sketch\n')
  const again = await render('--overwrite', '--sampler', 'DDIM')
  const painted = again.out
    .split('\n')
    .filter((line) => line.includes('"type":"frame"'))
    .map((line) => JSON.parse(line) as { frame: number; kept: boolean })
    .flatMap(({ frame, kept }) => (kept ? [] : [frame]))
  expect(painted).toEqual([2])
})
