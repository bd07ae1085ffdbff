import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformWithOxc } from 'vite'

// Importing this lets tests start engines: the child process's script is compiled, because Node 20 runs no TypeScript.
// It is written where onnxruntime-node can be found from, under the hash of its source.

const source = fileURLToPath(new URL('../src/onnx/session-host.ts', import.meta.url))
const code = readFileSync(source, 'utf8')
const folder = fileURLToPath(new URL('../node_modules/.cache/ofgen/', import.meta.url))
const file = `${folder}session-host-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`

if (!existsSync(file)) {
  mkdirSync(folder, { recursive: true })
  const part = `${file}.${process.pid}`
  writeFileSync(part, (await transformWithOxc(code, source)).code)
  renameSync(part, file)
}
process.env['OFGEN_SESSION_HOST'] = file

export const sessionHost: string = file
