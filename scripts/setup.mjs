// Makes a fresh clone ready: installs when node_modules does not fit the lock file, builds when dist is older than the sources.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ofgen needs Node 20.19 or newer; this is ${process.versions.node}.`)
  process.exit(2)
}
const installed = 'node_modules/.ofgen-lock.json'
const same = existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync('package-lock.json', 'utf8')
if (!same) {
  console.log('Installing what ofgen needs (once) …')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { status } = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) process.exit(status ?? 1)
  copyFileSync('package-lock.json', installed)
}
await import('./build.mjs')
