import { mkdirSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

// Importing this lets tests start flow workers: the thread's script and what it imports are compiled into one file, because Node 20 runs no
// TypeScript. It is written where optional packages can be found from.

const folder = fileURLToPath(new URL('../node_modules/.cache/ofgen/', import.meta.url))
const name = 'flow-worker.mjs'
const part = `${process.pid}-${name}`
mkdirSync(folder, { recursive: true })
await build({
  configFile: false,
  logLevel: 'silent',
  build: {
    ssr: fileURLToPath(new URL('../src/flow/flow-worker.ts', import.meta.url)),
    outDir: folder,
    emptyOutDir: false,
    copyPublicDir: false,
    rolldownOptions: { output: { entryFileNames: part, codeSplitting: false } },
  },
})
renameSync(folder + part, folder + name)
process.env['OFGEN_FLOW_WORKER'] = folder + name
