#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { isAbort, OfgenError } from '../errors.ts'
import { addSettings, normaliseArguments, sameCommand } from './arguments.ts'
import { demoCommand } from './demo-command.ts'
import { doctorCommand } from './doctor-command.ts'
import { measureCommand } from './measure-command.ts'
import { modelsCommand } from './models-command.ts'
import { renderCommand } from './render-command.ts'
import type { RunContext } from './run-events.ts'
import { smoothCommand } from './smooth-command.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

const examples = `
Examples:
  ofgen demo                                        the built-in clip, to see what it does
  ofgen clip.mp4 -o out --style watercolor          a video in a style
  ofgen clip.mp4 -o out --range 2s..5s --compare    three seconds of it, with a comparison and a report
  ofgen clip.mp4 -o out --model path/to/sd15        another Stable Diffusion checkpoint
  ofgen measure clip.mp4 result.mp4                 how steady a result is
  ofgen smooth clip.mp4 result.mp4 -o steady        any tool's result made steadier, without a model

All settings: ofgen render --help
`

/** commander's message in our form: one sentence, then one hint. */
function wrongUsage(text: string, write: (text: string) => void): void {
  const [message, ...more] = text
    .replace(/^error: /, '')
    .trim()
    .split('\n')
  const hint = more.length > 0 ? more.join(' ') : 'All options: ofgen render --help'
  write(`ofgen: ${message}\n       ${hint}\n`)
}

function buildProgram(context: RunContext): Command {
  const program = new Command('ofgen')
    .description('Turns a video into an animation in another style with Stable Diffusion, held steady by optical flow.')
    .version(version)
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText('after', examples)
  const render = new Command('render')
    .description('restyle a video (the default: "ofgen clip.mp4 -o out")')
    .argument('[video]', 'video file, GIF, folder of images, or a pattern such as frames/%06d.png')
    .option('-i, --input <video>', 'the same as the argument; --i is accepted too')
    .option('-o, --output <folder>', 'folder for frames, video and report; --o is accepted too')
    .option('--json', 'events as JSON lines on stdout')
  program.addCommand(addSettings(render).action(renderCommand(context)), { isDefault: true })
  const demo = new Command('demo')
    .description('render the built-in clip with the embedded model')
    .option('-o, --output <folder>', 'folder for what is made', 'ofgen-demo')
    .option('--json', 'events as JSON lines on stdout')
  program.addCommand(addSettings(demo).action(demoCommand(context)))
  const measure = new Command('measure')
    .description("the steadiness figures of anyone's frames or videos")
    .argument('<source>', 'the video before')
    .argument('<result>', 'the video after: file, folder or pattern')
    .option('--against <video...>', 'other results of the same source; the first one is what the figures are ratios of')
    .option('--report <file.html>', 'also write a report with plots and a before/after slider')
    .option('--fps <rate>', 'frame rate of image folders', Number, 24)
    .option('--ffmpeg <path>', 'the ffmpeg program to use')
    .option('--json', 'the figures as JSON')
  program.addCommand(measure.action(measureCommand(context)))
  const smooth = new Command('smooth')
    .description("steady anyone's frames along the motion of their source, without a model")
    .argument('<source>', 'the video that the frames were made from')
    .argument('<frames>', 'the frames: video, folder or pattern')
    .option('-o, --output <folder>', 'folder for frames, video and report')
    .option('--range <from..to>', 'the part of the source that the frames were made from, for example 2s..5s or 48..96')
    .option('--reach <frames>', 'frames to either side that each is averaged with, 1 to 8', Number, 4)
    .option('--fps <rate>', 'frame rate of image folders', Number, 24)
    .option('--ffmpeg <path>', 'the ffmpeg program to use')
    .option('--json', 'events as JSON lines on stdout')
  program.addCommand(smooth.action(smoothCommand(context)))
  program.addCommand(modelsCommand(context))
  const doctor = new Command('doctor')
    .description('what this machine can do, and how to get more')
    .option('--ffmpeg <path>', 'the ffmpeg program to use')
    .option('--models-dir <folder>', 'folder of models')
    .option('--json', 'findings as JSON lines')
  program.addCommand(doctor.action(doctorCommand(context)))
  const commands = program.commands.flatMap((command) => [command, ...command.commands])
  for (const command of [program, ...commands]) command.exitOverride().configureOutput({ outputError: wrongUsage })
  return program
}

function report(error: unknown, context: RunContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (isAbort(error)) return 130
  const known = error instanceof OfgenError ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (context.json)
    process.stdout.write(
      JSON.stringify({ type: 'error', code: known?.code ?? 'render_failed', message, hint: known?.hint }) + '\n',
    )
  process.stderr.write(`ofgen: ${message}\n`)
  if (known?.hint !== undefined) process.stderr.write(`       ${known.hint}\n`)
  if (known === undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  return known?.exitCode ?? 1
}

async function main(): Promise<number> {
  const argv = normaliseArguments(process.argv.slice(2))
  const abort = new AbortController()
  const context: RunContext = { signal: abort.signal, version, again: sameCommand(argv), json: argv.includes('--json') }
  const interrupt = (): void => {
    if (abort.signal.aborted) process.exit(130)
    abort.abort()
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  process.on('SIGHUP', interrupt)
  try {
    await buildProgram(context).parseAsync(argv, { from: 'user' })
    return 0
  } catch (error) {
    return report(error, context)
  }
}

const code = await main()
// A command that ran to its end may have set a code of its own.
if (code !== 0) process.exitCode = code
