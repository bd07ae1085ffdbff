import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { OfgenError } from '../../errors.ts'
import { runFfmpeg } from './run-ffmpeg.ts'

/** An ffmpeg program that was tried and does what is needed. */
export interface Ffmpeg {
  readonly path: string
  readonly origin: 'option' | 'FFMPEG_PATH' | 'PATH' | 'package'
  /** As it calls itself, for example `5.1.9-0+deb12u1`. */
  readonly version: string
  /** libavcodec's version, which also says how old a build without a version number is: 58.35 is ffmpeg 4.1, 59.37 is 5.1. */
  readonly avcodec: readonly [number, number]
  /** How this build spells "keep every frame and its time". */
  readonly passthrough: readonly string[]
  readonly can: FfmpegAbilities
}

export interface FfmpegAbilities {
  /** H.264 by libx264: needed for MP4. */
  readonly h264: boolean
  /** VP9 by libvpx: needed for WebM. */
  readonly vp9: boolean
  /** Decoders that keep the alpha of VP8 and VP9. */
  readonly vpxAlpha: boolean
  readonly aac: boolean
  readonly opus: boolean
  /** zscale and tonemap: needed to bring HDR to SDR. */
  readonly toneMap: boolean
  /** setparams: newer builds take the colour tags of a file from its frames. */
  readonly tagFrames: boolean
  /** palettegen and paletteuse: needed for GIF. */
  readonly gif: boolean
}

const oldest: readonly [number, number] = [58, 35]
const known = new Map<string, Promise<Ffmpeg>>()

/**
 * Finds ffmpeg and tries it: the option or `FFMPEG_PATH`, else the one on PATH, else the one of the optional package
 * `@ffmpeg-installer/ffmpeg`. A program named by hand is never replaced by another. The answer is kept for the process.
 *
 * @throws OfgenError `ffmpeg_missing` if there is none, or the one named is not usable.
 */
export async function findFfmpeg(
  options: { readonly ffmpeg?: string | undefined; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ffmpeg> {
  const env = options.env ?? process.env
  const named = options.ffmpeg ?? (env['FFMPEG_PATH'] || undefined)
  const origin = options.ffmpeg === undefined ? 'FFMPEG_PATH' : 'option'
  const key = JSON.stringify([origin, named, named === undefined ? env['PATH'] : ''])
  let found = known.get(key)
  if (found === undefined) {
    found = named === undefined ? searchFfmpeg(env) : tryNamed(named, origin, env)
    known.set(key, found)
    found.catch(() => known.delete(key))
  }
  return found
}

async function tryNamed(named: string, origin: 'option' | 'FFMPEG_PATH', env: NodeJS.ProcessEnv): Promise<Ffmpeg> {
  const path = /[/\\]/.test(named) ? named : ((await onPath(named, env)) ?? named)
  try {
    return await tryFfmpeg(path, origin)
  } catch (error) {
    throw new OfgenError(
      'ffmpeg_missing',
      `The ffmpeg given by ${origin === 'option' ? '--ffmpeg' : 'FFMPEG_PATH'} (${named}) cannot be used: ${reason(error)}.`,
      { hint: 'Give the path of an ffmpeg program, version 4.1 or newer, or leave the option out.', cause: error },
    )
  }
}

async function searchFfmpeg(env: NodeJS.ProcessEnv): Promise<Ffmpeg> {
  const tried: string[] = []
  const candidates = [
    { origin: 'PATH', find: () => onPath('ffmpeg', env) },
    { origin: 'package', find: packagedFfmpeg },
  ] as const
  for (const { origin, find } of candidates) {
    const path = await find()
    if (path === undefined) continue
    try {
      return await tryFfmpeg(path, origin)
    } catch (error) {
      tried.push(`${path}: ${reason(error)}`)
    }
  }
  throw new OfgenError(
    'ffmpeg_missing',
    tried.length === 0
      ? 'No ffmpeg was found on PATH, and the optional package @ffmpeg-installer/ffmpeg is not installed.'
      : `No usable ffmpeg was found (${tried.join('; ')}).`,
    { hint: 'Install ffmpeg 5.1 or newer from https://ffmpeg.org/download.html, or set FFMPEG_PATH to the program.' },
  )
}

async function tryFfmpeg(path: string, origin: Ffmpeg['origin']): Promise<Ffmpeg> {
  // 1. Is it ffmpeg, and how old?
  const about = await runFfmpeg(path, ['-version'], { collect: true })
  const text = about.output.toString('utf8')
  const version = /^ffmpeg version (\S+)/.exec(text)?.[1]
  const library = /^libavcodec +(\d+)\. *(\d+)/m.exec(text)
  if (about.code !== 0 || version === undefined || library === null)
    throw new Error('it does not answer "-version" as ffmpeg does')
  const avcodec: [number, number] = [Number(library[1]), Number(library[2])]
  if (!atLeast(avcodec, oldest)) throw new Error(`its version ${version} is too old (4.1 is the oldest that works)`)

  // 2. Does the road that every frame takes work? Two frames of 16x16 through showinfo and the raw video muxer.
  const passthrough = atLeast(avcodec, [59, 37]) ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough']
  let times = 0
  const two = new Uint8Array(2 * 16 * 16 * 3).fill(90)
  const input = ['-f', 'rawvideo', '-pixel_format', 'rgb24', '-video_size', '16x16', '-framerate', '25', '-i', 'pipe:0']
  const output = ['-vf', 'showinfo,scale=16:16,format=rgb24', ...passthrough, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']
  const road = await runFfmpeg(path, [...input, ...output], {
    input: two,
    collect: true,
    onLine: (line) => {
      if (line.from.startsWith('Parsed_showinfo') && /^n: *\d+ pts:/.test(line.text)) times++
    },
  })
  if (road.code !== 0 || times !== 2 || Buffer.compare(road.output, two) !== 0)
    throw new Error('it was built without what is needed here (the showinfo filter and raw video)')

  // 3. What else can it do?
  const list = async (what: string): Promise<Set<string>> => {
    const { output } = await runFfmpeg(path, [what], { collect: true })
    return new Set(Array.from(output.toString('utf8').matchAll(/^ [A-Z.|]{2,8} +([\w-]+)/gm), (match) => match[1]!))
  }
  const [encoders, decoders, filters] = await Promise.all([list('-encoders'), list('-decoders'), list('-filters')])
  return {
    path,
    origin,
    version,
    avcodec,
    passthrough,
    can: {
      h264: encoders.has('libx264'),
      vp9: encoders.has('libvpx-vp9'),
      vpxAlpha: decoders.has('libvpx-vp9') && decoders.has('libvpx'),
      aac: encoders.has('aac'),
      opus: encoders.has('libopus'),
      toneMap: filters.has('zscale') && filters.has('tonemap'),
      tagFrames: filters.has('setparams') && atLeast(avcodec, [58, 42]),
      gif: filters.has('palettegen') && filters.has('paletteuse') && encoders.has('gif'),
    },
  }
}

function atLeast([major, minor]: readonly [number, number], [a, b]: readonly [number, number]): boolean {
  return major > a || (major === a && minor >= b)
}

async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const endings = process.platform === 'win32' ? ['.exe', ''] : ['']
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue
    for (const ending of endings) {
      const path = join(folder, name + ending)
      const usable = await access(path, constants.X_OK)
        .then(() => stat(path))
        .then((file) => file.isFile())
        .catch(() => false)
      if (usable) return path
    }
  }
  return undefined
}

async function packagedFfmpeg(): Promise<string | undefined> {
  try {
    const module = (await import('@ffmpeg-installer/ffmpeg')) as { default: { path: string } }
    return module.default.path
  } catch {
    return undefined
  }
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (code === 'ENOENT') return 'no such program'
  if (code === 'EACCES') return 'it is not a program that may be run'
  return error instanceof Error ? error.message.replace(/[.\s]+$/, '') : String(error)
}
