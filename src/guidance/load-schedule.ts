import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { OfgenError } from '../errors.ts'
import { pixelArray, scheduleMotion, type GuidanceSchedule, type ScheduleMotion } from './guidance-schedule.ts'

const example =
  'Export a function, for example: export default (progress, { dist_mat }) => dist_mat.map((d) => (d > 1.5 ? 0.1 : 0.6))'

/**
 * Loads a user's guidance schedule: a JavaScript file that exports the function as default, as `guidanceSchedule` or as
 * `guidance_schedule`. The file is run as code. The function gets copies of the motion's arrays, so it may write to them;
 * it may return a number, or one number for each pixel in an array, a typed array or an array of rows.
 *
 * @returns A schedule that checks each result.
 * @throws OfgenError schedule_invalid naming the file, and the line where there is one: the load for a file that is
 *   missing, damaged, or exports no function; the schedule for a function that fails or returns anything else.
 */
export async function loadSchedule(path: string): Promise<GuidanceSchedule> {
  const file = resolve(path)
  let version: number
  try {
    version = (await stat(file)).mtimeMs
  } catch (cause) {
    throw new OfgenError('schedule_invalid', `The guidance schedule ${path} cannot be read.`, {
      hint: 'Give the path of a .js or .mjs file.',
      cause,
    })
  }
  const schedule = exportedFunction(await run(file, path, version))
  if (schedule === undefined)
    throw new OfgenError(
      'schedule_invalid',
      `${path} exports no function; accepted are a default export and "guidanceSchedule".`,
      { hint: example },
    )
  return (progress, motion) => {
    let result: unknown
    try {
      result = schedule(progress, copyOf(motion))
    } catch (cause) {
      throw failed(path, 'the guidance schedule failed', lineIn(cause, file), cause)
    }
    return checked(result, motion, path)
  }
}

/**
 * Asks a schedule for weights before a render begins, at three points of progress, for a frame of this size that moves by
 * 0 to 8 pixels.
 *
 * @throws OfgenError schedule_invalid, as the schedule itself does.
 */
export function trySchedule(
  schedule: GuidanceSchedule,
  { width, height, strength }: { readonly width: number; readonly height: number; readonly strength: number },
): void {
  const ramp = (to: number): Float32Array => Float32Array.from({ length: width * height }, (_, i) => (to * (i % width)) / width)
  const motion = scheduleMotion({ distance: { width, height, data: ramp(8) }, trust: { width, height, data: ramp(1) } }, strength)
  for (const progress of [Math.max(1 - strength, 0.01), 0.5, 1]) schedule(progress, motion)
}

type UserFunction = (progress: number, motion: ScheduleMotion) => unknown

async function run(file: string, path: string, version: number): Promise<unknown> {
  try {
    // The query makes an edited file be read again.
    return await import(/* @vite-ignore */ `${pathToFileURL(file).href}?edited=${version}`)
  } catch (cause) {
    const syntax = cause instanceof SyntaxError ? await syntaxError(file) : undefined
    if (syntax !== undefined) throw failed(path, syntax.message, syntax.line, cause)
    throw failed(path, 'the guidance schedule cannot be loaded', lineIn(cause, file), cause)
  }
}

/** The runtime says what is wrong with a module but not where; its syntax check does. */
async function syntaxError(file: string): Promise<{ readonly line: number; readonly message: string } | undefined> {
  const source = await readFile(file, 'utf8')
  const output = await new Promise<string>((done) => {
    const child = execFile(process.execPath, ['--input-type=module', '--check', '-'], (_, __, stderr) => done(stderr))
    child.stdin?.on('error', () => {})
    child.stdin?.end(source)
  })
  const found = /\[stdin\]:(\d+)[^]*?SyntaxError: (.+)/.exec(output)
  return found === null ? undefined : { line: Number(found[1]), message: found[2]! }
}

/** The first line of `file` that an error's stack names. */
function lineIn(error: unknown, file: string): number | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined
  for (const name of [pathToFileURL(file).href, file]) {
    const at = error.stack.indexOf(name)
    const line = at < 0 ? null : /^(?:\?[^:\s]*)?:(\d+)/.exec(error.stack.slice(at + name.length))
    if (line !== null) return Number(line[1])
  }
  return undefined
}

function failed(path: string, what: string, line: number | undefined, cause: unknown): OfgenError {
  const reason = cause instanceof Error && !what.includes(cause.message) ? `: ${cause.message.split('\n')[0]}` : ''
  return new OfgenError('schedule_invalid', `${path}${line === undefined ? '' : `:${line}`}: ${what}${reason}.`, {
    hint: line === undefined ? example : `Look at line ${line} of ${basename(path)}.`,
    cause,
  })
}

function exportedFunction(module: unknown): UserFunction | undefined {
  const exports = module as Record<string, unknown>
  // A CommonJS file arrives whole as the default export.
  const inner =
    typeof exports['default'] === 'object' && exports['default'] !== null ? (exports['default'] as Record<string, unknown>) : {}
  return [exports, inner]
    .flatMap((from) => [from['default'], from['guidanceSchedule'], from['guidance_schedule']])
    .find((value): value is UserFunction => typeof value === 'function')
}

function copyOf(motion: ScheduleMotion): ScheduleMotion {
  const { width, height } = motion
  const distance = pixelArray({ width, height, data: motion.distance })
  return { ...motion, distance, dist_mat: distance, trust: pixelArray({ width, height, data: motion.trust }) }
}

function checked(result: unknown, { width, height }: ScheduleMotion, path: string): number | Float32Array {
  const refuse = (what: string): OfgenError =>
    new OfgenError(
      'schedule_invalid',
      `${path}: the guidance schedule gave ${what}; accepted are a number or ${width * height} of them, one for each of ${width}x${height} pixels.`,
      { hint: example },
    )
  if (typeof result === 'number') {
    if (!Number.isFinite(result)) throw refuse(`${result}`)
    return result
  }
  if (!Array.isArray(result) && !(ArrayBuffer.isView(result) && !(result instanceof DataView))) throw refuse(describe(result))
  const list = result as ArrayLike<unknown>
  const rows = Array.isArray(result) && list.length === height && Array.from(list).every((row) => typeof row === 'object')
  const flat = rows ? Array.from(list).flatMap((row) => Array.from(row as ArrayLike<unknown>)) : list
  if (flat.length !== width * height) throw refuse(`${flat.length} values`)
  const weights = new Float32Array(flat.length)
  for (let i = 0; i < weights.length; i++) {
    const value = flat[i]
    if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(`${describe(value)} at place ${i}`)
    weights[i] = value
  }
  return weights
}

function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return `${value}`
  if (value instanceof Promise) return 'a promise'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
