import { mkdir, statfs, writeFile, rm } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { OfgenError } from '../errors.ts'
import { hubCacheFolder, isOffline } from '../models/hub/hub-cache.ts'
import { cacheFolder } from '../onnx/cache-folder.ts'
import { deviceFault, deviceStates, deviceTitles } from '../onnx/device.ts'
import { openGraphCache } from '../onnx/graph-cache.ts'
import { cpuFeatures, runtimeVersion } from '../onnx/runtime.ts'
import { findFfmpeg } from '../video/ffmpeg/find-ffmpeg.ts'

/** One thing that was looked at. */
export interface Finding {
  /** For example `ffmpeg`. */
  readonly topic: string
  /** `good`; `note` for what could be more; `problem` for what keeps ofgen from working. */
  readonly state: 'good' | 'note' | 'problem'
  readonly text: string
  /** What to do, where there is something. */
  readonly hint?: string
}

export interface DoctorOptions {
  readonly ffmpeg?: string | undefined
  readonly modelsDir?: string | undefined
}

/** Looks at the machine: what it can do and how to get more. Each device that the runtime offers is tried with a small network. */
export async function* doctor({ ffmpeg, modelsDir }: DoctorOptions = {}): AsyncGenerator<Finding, void, undefined> {
  yield nodeFinding(process.versions.node)
  yield { topic: 'system', state: 'good', text: `${process.platform} ${release()}, ${process.arch}` }
  const features = cpuFeatures().split(' ')
  const vector = ['avx512f', 'avx2', 'avx', 'asimd'].find((one) => features.includes(one))
  yield {
    topic: 'processor',
    state: vector === 'avx' || (vector === undefined && process.arch === 'x64' && process.platform === 'linux') ? 'note' : 'good',
    text: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads${vector === undefined ? '' : `, ${vector}`}`,
    ...(vector === 'avx' ? { hint: 'Without AVX2 networks run at a fraction of the speed.' } : {}),
  }
  yield memoryFinding(totalmem(), freemem())

  // The runtime and its devices
  yield { topic: 'runtime', state: 'good', text: `onnxruntime ${runtimeVersion()}` }
  for (const { device, possible, available, missing } of deviceStates()) {
    if (!possible) continue
    const topic = `device ${device}`
    const fault = available ? await deviceFault(device) : missing
    if (fault === undefined) yield { topic, state: 'good', text: `${deviceTitles[device]} works: --device ${device}` }
    else yield { topic, state: device === 'cpu' ? 'problem' : 'note', text: `${deviceTitles[device]} cannot be used: ${fault}` }
  }

  // Video
  try {
    const found = await findFfmpeg({ ffmpeg })
    const lacks = [
      ...(found.can.h264 ? [] : ['MP4 (libx264)']),
      ...(found.can.vp9 ? [] : ['WebM (libvpx)']),
      ...(found.can.toneMap ? [] : ['HDR (zscale, tonemap)']),
    ]
    const old = found.avcodec[0] < 59
    yield {
      topic: 'ffmpeg',
      state: lacks.length > 0 || old ? 'note' : 'good',
      text: `${found.version} at ${found.path} (from ${found.origin})${lacks.length > 0 ? `; cannot do ${lacks.join(', ')}` : ''}`,
      ...(old ? { hint: 'It is an old one: install a current ffmpeg for videos from strangers, HDR and AV1.' } : {}),
    }
  } catch (error) {
    yield {
      topic: 'ffmpeg',
      state: 'problem',
      text: error instanceof Error ? error.message : String(error),
      hint: (error instanceof OfgenError ? error.hint : undefined) ?? 'Install ffmpeg, or name it with --ffmpeg.',
    }
  }

  // Disk
  yield await cacheFinding()
  yield {
    topic: 'Hugging Face',
    state: 'good',
    text: `models by name are kept in ${hubCacheFolder()}${isOffline() ? '; HF_HUB_OFFLINE is set: nothing is downloaded' : ''}`,
  }
  const folder = modelsDir ?? (process.env['OFGEN_MODELS_DIR'] || undefined)
  if (folder !== undefined) yield { topic: 'models', state: 'good', text: `names are looked for in ${folder}` }
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 20 || (major === 20 && minor >= 19)
    ? { topic: 'node', state: 'good', text: version }
    : { topic: 'node', state: 'problem', text: version, hint: 'ofgen needs Node 20.19 or newer.' }
}

export function memoryFinding(total: number, free: number): Finding {
  const text = `${(total / 1e9).toFixed(1)} GB, ${(free / 1e9).toFixed(1)} GB of it free`
  if (total >= 16e9)
    return {
      topic: 'memory',
      state: 'good',
      text: `${text}: enough for Stable Diffusion 1 and 2, and for SDXL with --low-memory`,
    }
  if (total >= 7e9)
    return {
      topic: 'memory',
      state: 'good',
      text: `${text}: enough for Stable Diffusion 1`,
      hint: 'Use --low-memory for larger models.',
    }
  return { topic: 'memory', state: 'note', text: `${text}: the embedded model`, hint: 'Use --low-memory for Stable Diffusion 1.' }
}

async function cacheFinding(): Promise<Finding> {
  const cache = openGraphCache()
  const { folder, limit } = cache
  const kept = (await cache.list()).reduce((sum, { bytes }) => sum + bytes, 0)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const probe = join(folder, `.probe-${process.pid}`)
    await writeFile(probe, '')
    await rm(probe)
    const { bavail, bsize } = await statfs(folder)
    const free = bavail * bsize
    return {
      topic: 'cache',
      state: free < 8e9 ? 'note' : 'good',
      text: `${(kept / 1e9).toFixed(1)} of at most ${(limit / 1e9).toFixed(0)} GB in ${folder}, ${(free / 1e9).toFixed(0)} GB free on its disk`,
      ...(free < 8e9
        ? { hint: 'A Stable Diffusion 1 model takes 4 GB there. OFGEN_CACHE moves it, --no-cache does without.' }
        : {}),
    }
  } catch {
    return {
      topic: 'cache',
      state: 'note',
      text: `${cacheFolder()} cannot be written to: every start takes as long as the first`,
      hint: 'Set OFGEN_CACHE to another folder.',
    }
  }
}
