import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import type { Feed, Tensor } from './tensor.ts'

// Entry of an engine's child process. The runtime blocks its thread while it works, so it gets a process of its own,
// which can be killed in the middle of a run. It is loaded by its path and imports nothing of ofgen at run time; the engine
// imports its types. Requests are answered in their order; the next one may lie here while one is worked on.

export interface SessionOptions {
  /**
   * How far the graph is rewritten at load: `all` is fastest to run and slowest to load. `lean` leaves weights in the type
   * they are stored in and widens them layer by layer in every run: half the memory or less, loaded at once.
   */
  readonly optimization: 'disabled' | 'basic' | 'extended' | 'all' | 'lean'
  /** Threads inside one operator; 0 leaves the number to the runtime. */
  readonly threads: number
  /** Folder that the locations of external weights are relative to. */
  readonly weightsRoot: string
  /** Provider of the runtime that computes. */
  readonly device: Device
}

export type Device = 'cpu' | 'cuda' | 'directml' | 'coreml' | 'webgpu'

export type HostRequest =
  | { readonly kind: 'load'; readonly session: number; readonly model: Uint8Array; readonly options: SessionOptions }
  /** Loads a network as `optimise` has written it. */
  | { readonly kind: 'load-stored'; readonly session: number; readonly graph: string; readonly options: SessionOptions }
  /** Writes a network as the runtime rewrites it. */
  | {
      readonly kind: 'optimise'
      readonly model: Uint8Array
      readonly options: SessionOptions
      readonly graph: string
      readonly weights: string
    }
  | { readonly kind: 'run'; readonly session: number; readonly feeds: Readonly<Record<string, Feed | 'as before'>> }
  | { readonly kind: 'release'; readonly session: number }
  | { readonly kind: 'memory' }

export interface Memory {
  /** Bytes of the process in memory now, with what it shares with others and with files. */
  readonly resident: number
  /** The most of that so far. */
  readonly peak: number
  /** The part of `resident` that is not mapped from files, which the system can take back; where the system tells. */
  readonly own?: number | undefined
}

export type HostReply =
  | {
      readonly kind: 'done'
      readonly outputs: Readonly<Record<string, Tensor>>
      /** Seconds inside the runtime. */
      readonly seconds: number
      /** Seconds of all cores inside the runtime. */
      readonly cpuSeconds: number
      /** Bytes held by the child now, and at most so far; where it was asked for. */
      readonly memory?: Memory
    }
  | { readonly kind: 'failed'; readonly message: string }

const sessions = new Map<number, InferenceSession>()
/** What each session was fed last. */
const fed = new Map<number, Map<string, OrtTensor>>()

let tail = Promise.resolve()
process.on('message', (request: HostRequest) => {
  tail = answerAfter(tail, request)
})
process.on('disconnect', () => process.exit(0))
// Ctrl+C reaches the whole process group; the parent decides what becomes of this one.
process.on('SIGINT', () => {})

async function answerAfter(before: Promise<void>, request: HostRequest): Promise<void> {
  await before
  let reply: HostReply
  try {
    reply = await answer(request)
  } catch (error) {
    reply = { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
  // The runtime blocks: what is not sent before the next request would only be sent after it.
  await new Promise((sent) => process.send?.(reply, undefined, undefined, sent))
}

async function answer(request: HostRequest): Promise<HostReply> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  let outputs: Record<string, Tensor> = {}
  if (request.kind === 'load') sessions.set(request.session, await load(request.model, request.options))
  else if (request.kind === 'load-stored') sessions.set(request.session, await loadStored(request.graph, request.options))
  else if (request.kind === 'optimise') await optimise(request)
  else if (request.kind === 'run') outputs = await run(request.session, request.feeds)
  else if (request.kind === 'release') {
    await sessions.get(request.session)?.release()
    sessions.delete(request.session)
    fed.delete(request.session)
  }
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - began) / 1000
  return {
    kind: 'done',
    outputs,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    ...(request.kind === 'memory' ? { memory: memory() } : {}),
  }
}

type SessionCreateOptions = InferenceSession.SessionOptions

const providers: Readonly<Record<Device, string>> = {
  cpu: 'cpu',
  cuda: 'cuda',
  directml: 'dml',
  coreml: 'coreml',
  webgpu: 'webgpu',
}

function createOptions(options: SessionOptions, session: Readonly<Record<string, unknown>>): SessionCreateOptions {
  const lean = options.optimization === 'lean'
  // Pads that stand before a convolution (device-graph.ts) are not to be put into it again.
  const without = [
    ...(lean ? ['ConstantFolding'] : []),
    ...(options.device === 'webgpu' ? ['Pad_Fusion', 'PadFusion'] : []),
  ].join(';')
  return {
    executionProviders: options.device === 'cpu' ? ['cpu'] : [providers[options.device], 'cpu'],
    graphOptimizationLevel: lean ? 'extended' : options.optimization,
    logSeverityLevel: 3,
    ...(options.threads > 0 ? { intraOpNumThreads: options.threads } : {}),
    extra: {
      // Threads that wait sleep: spinning ones took a fifth more CPU time, which flow and video need beside us.
      session: { intra_op: { allow_spinning: '0' }, ...(lean ? { disable_prepacking: '1' } : {}), ...session },
      ...(without === '' ? {} : { optimization: { disable_specified_optimizers: without } }),
    },
  }
}

async function load(model: Uint8Array, options: SessionOptions): Promise<InferenceSession> {
  const { InferenceSession } = await import('onnxruntime-node')
  return InferenceSession.create(
    model,
    createOptions(options, { model_external_initializers_file_folder_path: options.weightsRoot }),
  )
}

/** Weights of 1 KB and more go into a file beside the graph, which is mapped when the graph is loaded. */
async function optimise({ model, options, graph, weights }: Extract<HostRequest, { kind: 'optimise' }>): Promise<void> {
  const { InferenceSession } = await import('onnxruntime-node')
  const session = await InferenceSession.create(model, {
    ...createOptions(options, {
      model_external_initializers_file_folder_path: options.weightsRoot,
      optimized_model_external_initializers_file_name: basename(weights),
      optimized_model_external_initializers_min_size_in_bytes: '1024',
      disable_prepacking: '1',
    }),
    optimizedModelFilePath: graph,
  })
  await session.release()
}

async function loadStored(graph: string, options: SessionOptions): Promise<InferenceSession> {
  const { InferenceSession } = await import('onnxruntime-node')
  return InferenceSession.create(graph, createOptions({ ...options, optimization: 'disabled' }, { disable_prepacking: '1' }))
}

async function run(id: number, feeds: Readonly<Record<string, Feed | 'as before'>>): Promise<Record<string, Tensor>> {
  const session = sessions.get(id)
  if (session === undefined) throw new Error(`There is no session ${id}.`)
  const { Tensor: OrtTensor } = await import('onnxruntime-node')
  const before = fed.get(id)
  const inputs = new Map<string, OrtTensor>()
  for (const [name, feed] of Object.entries(feeds)) {
    if (feed === 'as before') {
      inputs.set(name, before!.get(name)!)
      continue
    }
    const { dims } = feed
    const data = 'step' in feed ? floatsOf(feed.data, feed.low, feed.step) : feed.data
    if (data instanceof Float32Array) inputs.set(name, new OrtTensor('float32', data, dims))
    else if (data instanceof Int32Array) inputs.set(name, new OrtTensor('int32', data, dims))
    else inputs.set(name, new OrtTensor('int64', data, dims))
  }
  fed.set(id, inputs)
  const results = await session.run(Object.fromEntries(inputs))
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims }]) => {
      if (!(data instanceof Float32Array || data instanceof BigInt64Array || data instanceof Int32Array))
        throw new Error(`The result "${name}" has a type that is not passed on.`)
      return [name, { data, dims: [...dims] }]
    }),
  )
}

function floatsOf(bytes: Uint8Array, low: number, step: number): Float32Array {
  const data = new Float32Array(bytes.length)
  for (let i = 0; i < data.length; i++) data[i] = low + bytes[i]! * step
  return data
}

function memory(): Memory {
  // resourceUsage().maxRSS of a forked process begins with its parent's peak, so Linux is asked for the process itself.
  if (process.platform === 'linux') {
    const status = readFileSync('/proc/self/status', 'utf8')
    const kilobytes = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
    return { resident: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024, own: kilobytes('RssAnon') * 1024 }
  }
  return { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 }
}
