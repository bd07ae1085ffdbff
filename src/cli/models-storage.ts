import type { Command } from 'commander'
import { OfgenError } from '../errors.ts'
import { embeddedModelPath, locateModel } from '../models/find-model.ts'
import { hubCacheFolder, listCachedModels } from '../models/hub/hub-cache.ts'
import { listModels } from '../models/models-dir.ts'
import { openGraphCache } from '../onnx/graph-cache.ts'
import { showProgress } from './progress.ts'
import type { RunContext } from './run-events.ts'

/** `ofgen models list`, `get`, `cache` and `clean`: what lies where, and how to be rid of it. */
export function addStorageCommands(models: Command, context: RunContext): void {
  const print = (value: unknown, text: () => string): void => {
    process.stdout.write(context.json ? JSON.stringify(value) + '\n' : text())
  }

  models
    .command('list')
    .description('models that --model finds by name')
    .option('--models-dir <folder>', 'folder of models, also OFGEN_MODELS_DIR')
    .option('--json', 'the answer as JSON')
    .action(async ({ modelsDir = process.env['OFGEN_MODELS_DIR'] }: { modelsDir?: string }) => {
      const inFolder = modelsDir === undefined || modelsDir === '' ? [] : listModels(modelsDir)
      const onHub = await listCachedModels()
      const embedded = { name: 'embedded', path: embeddedModelPath }
      print(
        { embedded, modelsDir, models: inFolder, huggingFace: onHub },
        () =>
          [
            `embedded${' '.repeat(32)}  in the package`,
            ...inFolder.map(({ name, bytes, path }) => `${name.padEnd(40)} ${size(bytes)}  ${path}`),
            ...onHub.map(({ repo, bytes }) => `${repo.padEnd(40)} ${size(bytes)}  Hugging Face's cache`),
            ...(modelsDir === undefined ? ['(--models-dir FOLDER lists those of A1111, ComfyUI or your own)'] : []),
            `(Hugging Face's cache: ${hubCacheFolder()})`,
          ].join('\n') + '\n',
      )
    })

  models
    .command('get')
    .description('download a model from Hugging Face; --model NAME does so, too')
    .argument('<name>', 'owner/name, owner/name@revision, or owner/name/file.safetensors')
    .option('--variant <fp16>', 'files in half precision where there are any')
    .option('--json', 'progress and the answer as JSON lines')
    .action(async (name: string, { variant }: { variant?: string }) => {
      if (variant !== undefined && variant !== 'fp16')
        throw new OfgenError('option_invalid', `--variant cannot be "${variant}"; accepted: fp16.`)
      const show = context.json
        ? (event: unknown): unknown => process.stdout.write(JSON.stringify(event) + '\n')
        : showProgress(process.stdout)
      const search = locateModel(name, { variant, signal: context.signal })
      for (;;) {
        const next = await search.next()
        if (next.done === true) {
          print({ type: 'model', name, path: next.value }, () => `${next.value}\n`)
          return
        }
        show(next.value)
      }
    })

  models
    .command('cache')
    .description('networks that are kept on disk as the runtime prepares them, so that starts are quick')
    .option('--json', 'the answer as JSON')
    .action(async () => {
      const cache = openGraphCache()
      const entries = await cache.list()
      const total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
      print(
        { folder: cache.folder, limit: cache.limit, bytes: total, entries },
        () =>
          [
            ...entries.map(({ name, source, bytes, used, stale }) => {
              const note = stale === undefined ? '' : `  (${stale === 'damaged' ? stale : `of ${stale}`})`
              return `${name.padEnd(24)} ${size(bytes)}  used ${used.toISOString().slice(0, 10)}  ${source}${note}`
            }),
            `${size(total).trim()} of at most ${size(cache.limit).trim()} in ${cache.folder}`,
          ].join('\n') + '\n',
      )
    })

  models
    .command('clean')
    .description('remove what is kept (ofgen models cache); models themselves are not touched')
    .option('--stale', 'only what cannot be used any more: of another runtime or processor, damaged')
    .option('--json', 'the answer as JSON')
    .action(async ({ stale = false }: { stale?: boolean }) => {
      const cache = openGraphCache()
      const bytes = await cache.clean((entry) => !stale || entry.stale !== undefined)
      print({ folder: cache.folder, freed: bytes }, () => `freed ${size(bytes).trim()} in ${cache.folder}\n`)
    })
}

function size(bytes: number): string {
  return (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`).padStart(9)
}
