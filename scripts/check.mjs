// Everything that a change must pass besides its tests. Prints a line a check and closes with their number.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

function run(name, command, ...args) {
  return () => spawnSync(process.execPath, [command, ...args], { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}

/** npm drops optional packages of other systems from the lock in silence; a user there could then not install. */
function lockIsWhole() {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const missing = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const nested = `${path}/node_modules/${name}`
      if (!(nested in lock.packages) && !(`node_modules/${name}` in lock.packages)) missing.push(name)
    }
    if ('resolved' in entry) missing.push(`${path} names a registry`)
  }
  for (const line of missing) console.error(`package-lock.json: ${line}`)
  return missing.length === 0
}

const checks = [
  ['types', run('types', 'node_modules/typescript/bin/tsc', '--noEmit')],
  ['lint and layers', run('lint', 'node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings')],
  ['format', run('format', 'node_modules/oxfmt/bin/oxfmt', '--check', '.')],
  ['unused code', run('knip', 'node_modules/knip/bin/knip.js')],
  ['package', run('publint', 'node_modules/publint/src/cli.js', '--strict')],
  ['lock file', lockIsWhole],
  ['settings in docs', run('docs', 'scripts/settings-doc.mjs', '--check')],
]
let failed = 0
for (const [name, check] of checks) {
  const good = check()
  if (!good) failed++
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}`)
}
console.log(`check: ${checks.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
