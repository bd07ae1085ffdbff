import { fork, type ChildProcess } from 'node:child_process'
import { OfgenError } from '../errors.ts'
import { graphFor } from './device-graph.ts'
import type { GraphCache, GraphCacheKey } from './graph-cache.ts'
import type { Device, HostReply, HostRequest, Memory, SessionOptions } from './session-host.ts'
import type { Feed, Tensor } from './tensor.ts'

export interface EngineOptions {
  /** Threads inside one operator; by default the runtime takes one per physical core. */
  readonly threads?: number | undefined
  /**
   * The child process's script, for where it does not lie beside this module (bundles, tests). By default the
   * environment variable OFGEN_SESSION_HOST, then `session-host.js` beside this module.
   */
  readonly host?: string | URL | undefined
  /** Where the runtime computes; default `cpu`. What it cannot do there it does on the CPU. */
  readonly device?: Device | undefined
  /** Keeps networks as the runtime rewrites them at load, so that loading them again is quick. Not used on other devices. */
  readonly cache?: GraphCache | undefined
}

export interface LoadOptions {
  /** What the network is called in error messages. */
  readonly name?: string
  /** How far the graph is rewritten at load: `all` (the default) is fastest to run and slowest to load. */
  readonly optimization?: SessionOptions['optimization']
  /** Folder that the locations of external weights are relative to; by default the root of the file system. */
  readonly weightsRoot?: string
  /** Another device than the engine's. */
  readonly device?: Device | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Timing {
  /** Seconds inside the runtime: without process start, queueing and the way between the processes. */
  readonly seconds: number
  /** The same of all cores together. */
  readonly cpuSeconds: number
}

export interface RunResult extends Timing {
  readonly outputs: Readonly<Record<string, Tensor>>
}

/** A network in an engine. */
export interface Session {
  /** What loading it took. */
  readonly loading: Timing
  /** Whether it came from the cache. */
  readonly cached: boolean
  /**
   * A feed that is the same object as in the run before is not sent again: do not write into feeds.
   *
   * @throws DOMException AbortError if cancelled; the child process is then killed, and the next use starts another.
   * @throws OfgenError engine_failed if the runtime refuses the feeds or its process ends.
   */
  run(feeds: Feeds, signal?: AbortSignal): Promise<RunResult>
  release(): Promise<void>
}

/** Requests on the way to the child: one that it works on, and the next, so that it need not wait for us in between. */
const depth = 2

/** The runtime in a child process. Requests are worked off one after the other. */
export interface Engine {
  /** Process id of the child, undefined while none runs. */
  readonly pid: number | undefined
  /** @throws as `Session.run`; engine_failed if the runtime refuses the model. */
  load(model: Uint8Array, options?: LoadOptions): Promise<Session>
  /** What the child holds now and at most so far. */
  memory(): Promise<Memory>
  /** Ends the child; requests under way are rejected. Afterwards everything is. */
  close(): Promise<void>
}

type Feeds = Readonly<Record<string, Feed>>

interface Loading extends Timing {
  readonly cached: boolean
}

interface Model {
  readonly model: Uint8Array
  readonly options: SessionOptions
  readonly name: string
  /** Its place in the cache, once known; undefined where it is not kept. */
  key?: Promise<GraphCacheKey | undefined>
}

interface Child {
  /** What each session was fed last. */
  readonly fed: Map<number, Feeds>
  readonly process: ChildProcess
  readonly exited: Promise<void>
  readonly loaded: Map<number, Promise<Loading>>
  /** Someone's cancelled request or a damaged cache has ended it: the others' are asked again. */
  cancelled: boolean
  ask(request: HostRequest): Promise<Extract<HostReply, { kind: 'done' }>>
}

/** Starts an engine. Its child is started by the first load, and again after a cancelled run or a crash. */
export function startEngine(options: EngineOptions = {}): Engine {
  const threads = options.threads ?? 0
  if (!Number.isInteger(threads) || threads < 0) throw new RangeError(`threads must be a whole number from 1, got ${threads}.`)
  const host = options.host ?? process.env['OFGEN_SESSION_HOST'] ?? new URL('./session-host.js', import.meta.url)
  const { device: usual = 'cpu', cache } = options
  const models = new Map<number, Model>()
  let child: Child | undefined
  /** For each request on its way, its end. The next one takes the place of the first. */
  const places: Promise<void>[] = Array.from({ length: depth }, () => Promise.resolve())
  let count = 0
  let closed = false

  /** Runs `work` when it has a place on the way; an abort ends the wait at once and a request under way with its process. */
  async function inTurn<T>(signal: AbortSignal | undefined, work: (child: Child) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const turn = places.shift()!
    let leave = (): void => {}
    places.push(new Promise<void>((resolve) => (leave = resolve)))
    let used: Child | undefined
    const attempt = async (): Promise<T> => {
      signal?.throwIfAborted()
      if (closed) throw closedError()
      used = child ??= startChild(host, (ended) => {
        if (child === ended) child = undefined
      })
      return work(used)
    }
    const served = async (): Promise<T> => {
      await turn
      try {
        for (;;) {
          try {
            return await attempt()
          } catch (error) {
            if (used?.cancelled !== true || signal?.aborted === true || closed) throw error
            await used.exited
          }
        }
      } finally {
        if (signal?.aborted) await used?.exited
        leave()
      }
    }
    const job = served()
    if (signal === undefined) return job
    return new Promise<T>((resolve, reject) => {
      const cancel = (): void => {
        if (used !== undefined) {
          used.cancelled = true
          used.process.kill('SIGKILL')
          if (child === used) child = undefined
        }
        reject(signal.reason)
      }
      signal.addEventListener('abort', cancel, { once: true })
      job.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel))
    })
  }

  function loadInto(target: Child, id: number): Promise<Loading> {
    const known = target.loaded.get(id)
    if (known !== undefined) return known
    const model = models.get(id)!
    const loading = (async () => {
      try {
        return (await loadKept(target, id, model)) ?? (await loadNew(target, id, model))
      } catch (error) {
        target.loaded.delete(id)
        throw describe(error, `The runtime could not load ${model.name}`)
      }
    })()
    target.loaded.set(id, loading)
    return loading
  }

  async function loadNew(target: Child, session: number, { model, options }: Model): Promise<Loading> {
    const { seconds, cpuSeconds } = await target.ask({ kind: 'load', session, model, options })
    return { seconds, cpuSeconds, cached: false }
  }

  /** From the cache, which is filled first if need be; undefined where that is not possible. */
  async function loadKept(target: Child, session: number, model: Model): Promise<Loading | undefined> {
    if (cache === undefined || model.options.device !== 'cpu' || !/^(all|extended)$/.test(model.options.optimization))
      return undefined
    const { options, name } = model
    const key = await (model.key ??= cache.keyOf(model.model, options.weightsRoot, name))
    if (key === undefined) return undefined
    let made = { seconds: 0, cpuSeconds: 0 }
    const found = await cache.find(key)
    const graph =
      found ??
      (await cache.keep(key, async (graph, weights) => {
        made = await target.ask({ kind: 'optimise', model: model.model, options, graph, weights })
      }))
    if (graph === undefined) return undefined
    try {
      const { seconds, cpuSeconds } = await target.ask({ kind: 'load-stored', session, graph, options })
      return { seconds: seconds + made.seconds, cpuSeconds: cpuSeconds + made.cpuSeconds, cached: found !== undefined }
    } catch (error) {
      if (target.cancelled || closed) throw error
      await cache.drop(key)
      if (error instanceof Refusal) return undefined
      // The process did not survive what it read: another one does without the cache.
      model.key = Promise.resolve(undefined)
      target.cancelled = true
      throw error
    }
  }

  return {
    get pid() {
      return child?.process.pid
    },

    async load(model, { name = 'a network', optimization = 'all', weightsRoot = '/', device = usual, signal } = {}) {
      const id = count++
      models.set(id, {
        model: graphFor(device, model),
        name,
        options: { optimization, threads, weightsRoot, device },
      })
      const { cached, ...loading } = await inTurn(signal, (target) => loadInto(target, id)).catch((error: unknown) => {
        models.delete(id)
        throw error
      })
      return {
        loading,
        cached,
        run: (feeds, signal) =>
          inTurn(signal, async (target) => {
            if (!models.has(id)) throw new OfgenError('engine_failed', `The session of ${name} was released before this run.`)
            await loadInto(target, id)
            const sent = unlessFed(target.fed.get(id), feeds)
            target.fed.set(id, feeds)
            const reply = await target.ask({ kind: 'run', session: id, feeds: sent }).catch((error: unknown) => {
              target.fed.delete(id)
              throw describe(error, `The runtime could not run ${name}`)
            })
            return { outputs: reply.outputs, seconds: reply.seconds, cpuSeconds: reply.cpuSeconds }
          }),
        async release() {
          if (!models.delete(id) || closed) return
          if (child?.loaded.has(id) !== true) return
          await inTurn(undefined, async (target) => {
            if (target.loaded.delete(id)) await target.ask({ kind: 'release', session: id })
          })
        },
      }
    },

    memory: () => inTurn(undefined, async (target) => (await target.ask({ kind: 'memory' })).memory!),

    async close() {
      closed = true
      const last = child
      child = undefined
      last?.process.ref()
      last?.process.kill('SIGKILL')
      await last?.exited
    },
  }

  function closedError(): OfgenError {
    return new OfgenError('engine_failed', 'The engine was closed before this request.')
  }
}

/** Without what the session was fed last under the same name: prompts stay the same for thousands of runs. */
function unlessFed(last: Feeds | undefined, feeds: Feeds): Record<string, Feed | 'as before'> {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, last?.[name] === feed ? 'as before' : feed]))
}

/** What the runtime answered, as opposed to how its process ended. */
class Refusal extends Error {}

function describe(error: unknown, what: string): unknown {
  if (!(error instanceof Refusal)) return error
  return new OfgenError('engine_failed', `${what}: ${error.message.split('\n')[0]!.slice(0, 400)}`, { cause: error })
}

const children = new Set<ChildProcess>()

/** A child in the middle of a run would not notice that we are gone. */
function killChildren(): void {
  for (const child of children) child.kill('SIGKILL')
}

function startChild(host: string | URL, onExit: (child: Child) => void): Child {
  const child = fork(host, [], {
    serialization: 'advanced',
    execArgv: [],
    // With this threshold glibc gives large blocks back to the system when a session is released.
    env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)))
  const waiting: { resolve: (reply: HostReply) => void; reject: (error: unknown) => void }[] = []
  if (children.size === 0) process.on('exit', killChildren)
  children.add(child)
  let ended: OfgenError | undefined
  const exited = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      if (ended !== undefined) return
      const lines = said.trim().split('\n')
      const last = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)
      ended = new OfgenError(
        'engine_failed',
        `The engine's process ended ${how}${last ? `, saying "${last.slice(0, 300)}"` : ''}.`,
        {
          hint: 'Most often memory ran out: try a smaller size or fewer threads. The next use starts a new process.',
        },
      )
      children.delete(child)
      if (children.size === 0) process.removeListener('exit', killChildren)
      onExit(self)
      for (const one of waiting.splice(0)) one.reject(ended)
      resolve()
    }
    child.once('exit', (code, signal) => end(signal === null ? `with exit code ${code}` : `by signal ${signal}`))
    child.once('error', (error) => end(`before it began (${error.message})`))
  })
  child.on('message', (reply: HostReply) => {
    waiting.shift()?.resolve(reply)
    if (waiting.length === 0) idle()
  })
  // A child that waits for work must not keep our process alive; one that works must.
  const idle = (): void => {
    child.unref()
    child.channel?.unref()
    ;(child.stderr as { unref?: () => void } | null)?.unref?.()
  }
  const busy = (): void => {
    child.ref()
    child.channel?.ref()
  }
  const self: Child = {
    process: child,
    exited,
    loaded: new Map(),
    cancelled: false,
    fed: new Map(),
    async ask(request) {
      if (ended !== undefined) throw ended
      const reply = await new Promise<HostReply>((resolve, reject) => {
        waiting.push({ resolve, reject })
        busy()
        child.send(request, (error) => {
          // A broken pipe is followed by the exit of the process, which says more.
          if (error !== null && child.exitCode === null && child.signalCode === null && child.connected) reject(error)
        })
      })
      if (reply.kind === 'failed') throw new Refusal(reply.message)
      return reply
    },
  }
  return self
}
