import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).split('\n')
const pages = tracked.filter((path) => path.endsWith('.md') && existsSync(join(root, path)))

test('there are pages', () => {
  expect(pages).toContain('README.md')
})

test.each(pages)('every link in %s leads to a file of the repository', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
  for (const target of targets) {
    const path = normalize(join(dirname(page), target)).replace(/\/$/, '')
    expect(
      tracked.some((file) => file === path || file.startsWith(path + '/')),
      target,
    ).toBe(true)
  }
})
