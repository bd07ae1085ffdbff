// Compiles src/ and bench/ to bench/dist and runs one bench: node bench/run.mjs NAME [ARGUMENTS]
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bench = dirname(fileURLToPath(import.meta.url))
const root = dirname(bench)
const [name, ...rest] = process.argv.slice(2)
const names = readdirSync(bench).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []))
if (!names.includes(name)) {
  console.error(`Usage: node bench/run.mjs NAME [ARGUMENTS], with NAME one of: ${names.join(', ')}`)
  process.exit(2)
}

const out = join(bench, 'dist')
mkdirSync(out, { recursive: true })
writeFileSync(
  join(out, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { noEmit: false, declaration: false, sourceMap: false, rootDir: '../..', outDir: '.', types: ['node'] },
    files: [`../${name}.ts`],
  }),
)
const tsc = join(root, 'node_modules/typescript/bin/tsc')
spawnSync(process.execPath, [tsc, '-p', join(out, 'tsconfig.json')], { stdio: 'inherit' })
const script = join(out, 'bench', `${name}.js`)
if (!existsSync(script)) process.exit(1)
const { status } = spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit' })
process.exit(status ?? 1)
