import { Command } from 'commander'
import { resolve } from 'node:path'
import { findModel } from '../models/find-model.ts'
import { inspectCheckpoint, type InspectedPart, type Inspection } from '../stable-diffusion/inspect-checkpoint.ts'
import { addStorageCommands } from './models-storage.ts'
import type { RunContext } from './run-events.ts'

interface InspectFlags {
  readonly numbers?: boolean
  readonly vae?: string
  readonly configs?: string
}

/** `ofgen models …` */
export function modelsCommand(context: RunContext): Command {
  const models = new Command('models')
    .description('what checkpoints are and what is wrong with them, where models lie, what is kept of them')
    .helpCommand(false)
  models
    .command('inspect')
    .description('what a file or folder is, told by its tensors, and what is missing in it or odd')
    .argument('<model>', 'file, folder, or a name as --model takes it')
    .option('--numbers', 'also read all weights, to find numbers that are infinite or none')
    .option('--vae <path>', 'the autoencoder to look at it with')
    .option(
      '--configs <folder>',
      'folder in the diffusers layout whose config.json files describe a single file of unusual shape',
    )
    .option('--json', 'the answer as JSON')
    .action(async (name: string, flags: InspectFlags) => {
      const inspection = inspectCheckpoint(resolve(await findModel(name)), flags)
      process.stdout.write(context.json ? JSON.stringify(inspection) + '\n' : inspectionText(inspection))
    })
  addStorageCommands(models, context)
  return models
}

const shown = 12

/** The answer as lines for people. */
export function inspectionText({ path, title, usable, prediction, parts, missing, odd }: Inspection): string {
  const lines = [path, `${usable ? '' : 'not usable as a model: '}${title}`]
  if (prediction !== undefined) lines.push(`predicts ${prediction}`)
  lines.push(...parts.map(partText))
  for (const [label, list] of [
    ['missing', missing],
    ['note', odd],
  ] as const) {
    lines.push(...list.slice(0, shown).map((text) => `${label}: ${text}`))
    if (list.length > shown) lines.push(`${label}: and ${list.length - shown} more`)
  }
  return lines.join('\n') + '\n'
}

function partText({ title, tensors, bytes, types }: InspectedPart): string {
  const size = bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`
  return `  ${title.padEnd(18)} ${tensors === 0 ? 'graph'.padStart(13) : `${String(tensors).padStart(5)} tensors`}  ${size.padStart(9)}  ${types.join(', ')}`
}
