import { existsSync } from 'node:fs'
import type { FrameControl } from '../animate/frame-controls.ts'
import { controlKinds, type ControlKind } from '../control/control-map.ts'
import { OfgenError } from '../errors.ts'
import { findFile, foldersBeside } from '../models/find-file.ts'
import type { FrameSource } from '../video/frame-source.ts'
import { openSource, type OpenSourceOptions } from '../video/open-source.ts'

/** One `--control`, read. */
export interface ControlChoice {
  /** What the ControlNet sees: a map made of the frames, or the user's own. */
  readonly maps: { readonly made: ControlKind } | { readonly path: string }
  /** The ControlNet, as it was named. */
  readonly name: string
  readonly weight: number
  readonly from: number
  readonly to: number
}

const example =
  'For example --control lineart:control_v11p_sd15_lineart.safetensors,weight=0.8 or --control depth:FILE,maps=FOLDER.'

/**
 * `KIND:FILE`, then `,weight=0.8`, `,from=0`, `,to=0.6` and `,maps=PATH` in any order. Kinds other than those that are made of the
 * frames need maps.
 *
 * @throws OfgenError option_invalid saying what is accepted.
 */
export function parseControlOption(text: string): ControlChoice {
  const wrong = (what: string): OfgenError =>
    new OfgenError('option_invalid', `--control cannot be "${text}": ${what}.`, { hint: example })
  const [, kind, rest] = /^([a-z][\w-]*):(.+)$/i.exec(text) ?? []
  if (kind === undefined || rest === undefined) throw wrong('accepted is KIND:FILE with options behind commas')
  const [name, ...options] = rest.split(/,(?=\w+=)/)
  const given = new Map<string, string>()
  for (const option of options) {
    const [key, ...value] = option.split('=')
    if (!['weight', 'from', 'to', 'maps'].includes(key!)) throw wrong(`"${key}" is none of weight, from, to, maps`)
    given.set(key!, value.join('='))
  }
  const number = (key: string, fallback: number, low: number, high: number): number => {
    const value = given.get(key)
    const read = value === undefined ? fallback : value.trim() === '' ? NaN : Number(value)
    if (!(read >= low && read <= high)) throw wrong(`${key} must be a number from ${low} to ${high}`)
    return read
  }
  const [weight, from, to] = [number('weight', 1, 0, 4), number('from', 0, 0, 1), number('to', 1, 0, 1)]
  if (from >= to) throw wrong('from must be below to')
  const path = given.get('maps')
  if (path !== undefined) return { maps: { path }, name: name!, weight, from, to }
  const made = controlKinds.find((one) => one === kind.toLowerCase())
  if (made === undefined) throw wrong(`${kind} maps cannot be made here (${controlKinds.join(', ')} can), so maps=PATH is needed`)
  return { maps: { made }, name: name!, weight, from, to }
}

/** Where the ControlNet is: a path, or the name of a file beside the model. @throws OfgenError model_missing. */
export function findControlNet(name: string, model: string): string {
  if (existsSync(name)) return name
  return findFile({
    name,
    what: 'ControlNet',
    folders: foldersBeside(model, ['ControlNet', 'controlnet']),
    endings: ['.safetensors', '.pth', '.bin'],
  })
}

/** Controls whose sources of maps are open. */
export interface OpenControls {
  readonly controls: readonly FrameControl[]
  close(): Promise<void>
}

/**
 * Opens the users' maps.
 *
 * @param prepared Brings a source to the part, rate and size that is rendered.
 * @param frames Frames of the video, where that is known.
 * @throws OfgenError option_invalid where there are fewer maps than frames, and whatever `openSource` throws.
 */
export async function openControls(
  choices: readonly ControlChoice[],
  prepared: (source: FrameSource) => FrameSource,
  { frames, ...options }: OpenSourceOptions & { readonly frames?: number | undefined },
): Promise<OpenControls> {
  const opened: FrameSource[] = []
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close()
  }
  try {
    const controls: FrameControl[] = []
    for (const [net, { maps, weight, from, to }] of choices.entries()) {
      if ('made' in maps) {
        controls.push({ net, weight, from, to, maps: maps.made })
        continue
      }
      const source = await openSource(maps.path, options)
      opened.push(source)
      const fitting = prepared(source)
      const count = fitting.info.frameCount
      if (count !== undefined && frames !== undefined && count < frames)
        throw new OfgenError('option_invalid', `The maps ${maps.path} are ${count} for ${frames} frames of the video.`, {
          hint: 'Give one map for each frame.',
        })
      controls.push({ net, weight, from, to, maps: fitting })
    }
    return { controls, close }
  } catch (error) {
    await close()
    throw error
  }
}
