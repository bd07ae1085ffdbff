import { mkdirSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

// Importing this lets tests start worker threads: each script and what it imports are compiled into one file, because Node 20 runs no
// TypeScript. It is written where optional packages can be found from.

const folder = fileURLToPath(new URL('../node_modules/.cache/ofgen/', import.meta.url))
mkdirSync(folder, { recursive: true })
for (const [script, variable] of [
  ['flow/flow-worker', 'OFGEN_FLOW_WORKER'],
  ['animate/analysis-worker', 'OFGEN_ANALYSIS_WORKER'],
] as const) {
  const name = `${script.split('/')[1]}.mjs`
  const part = `${process.pid}-${name}`
  await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      ssr: fileURLToPath(new URL(`../src/${script}.ts`, import.meta.url)),
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      rolldownOptions: { output: { entryFileNames: part, codeSplitting: false } },
    },
  })
  renameSync(folder + part, folder + name)
  process.env[variable] = folder + name
}
