import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The blocks of JavaScript of a page. */
function blocksOf(page: string): string[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!)
}

test('the program in docs/library.md runs and says what the page says', async () => {
  // Inside the package, so that 'ofgen' is the package itself as it was built.
  mkdirSync(join(root, 'dist'), { recursive: true })
  const folder = mkdtempSync(join(root, 'dist', '.library-'))
  const work = mkdtempSync(join(tmpdir(), 'ofgen-library-'))
  try {
    const blocks = blocksOf('docs/library.md')
    expect(blocks.length).toBeGreaterThanOrEqual(9)
    writeFileSync(join(folder, 'program.mjs'), blocks.join('\n'))
    cpSync(join(root, 'test/media/flower.mp4'), join(work, 'clip.mp4'))
    const child = spawn(process.execPath, [join(folder, 'program.mjs')], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out.trim().split('\n')).toEqual([
      'mini-sd sd1 4 4',
      '[ 320, 1119, 819, 320, 771 ]',
      '77 true',
      '128 96',
      'true 1',
      expect.stringMatching(/^step 0: sigma \d+\.\d\d, preview of 3072 values$/),
      expect.stringMatching(/^step 1: /),
      String(128 * 96 * 3),
      '3072',
      'true true',
      expect.stringMatching(/^frame 0, \d+ evaluations$/),
      expect.stringMatching(/^frame 1, /),
      expect.stringMatching(/^frame 2, /),
      '3',
    ])
  } finally {
    rmSync(folder, { recursive: true })
    rmSync(work, { recursive: true })
  }
})
