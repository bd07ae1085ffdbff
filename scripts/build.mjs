// Builds dist/ unless it is newer than everything it is made of.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const stamp = 'dist/.tsbuildinfo'
function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}
const made = existsSync(stamp) ? statSync(stamp).mtimeMs : 0
const changed = Math.max(...['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'].map(newest))
if (changed > made) {
  rmSync('dist', { recursive: true, force: true })
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
