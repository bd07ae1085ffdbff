import { startEngine, type Engine, type RunResult, type Session } from '../onnx/engine.ts'
import { openGraphCache, type GraphCache } from '../onnx/graph-cache.ts'
import type { Device } from '../onnx/session-host.ts'
import type { Feed } from '../onnx/tensor.ts'

/** Where and how networks are run. */
export interface RuntimeOptions {
  /** Threads inside one operator; by default the runtime takes one per physical core. */
  readonly threads?: number | undefined
  /** Default `cpu`. */
  readonly device?: Device | undefined
  /** Whether (or where) networks are kept on disk as the runtime rewrites them, so that later starts are quick. Default true. */
  readonly cache?: boolean | GraphCache | undefined
  /**
   * Only one network is held at a time, and its weights stay in their file in the precision they are stored in. Slower.
   * Default false.
   */
  readonly lowMemory?: boolean | undefined
}

/** A graph and what it is called in messages. */
export interface Network {
  readonly model: Uint8Array
  readonly title: string
  /** Folder that the locations of its weights are relative to. */
  readonly weightsRoot: string
  /** Where it is run whatever the device is: text encoders, which are needed once a prompt, run on the CPU. */
  readonly device?: Device | undefined
}

/** Networks that share an engine. */
export interface Networks<Name extends string> {
  /** @throws as `Session.run`, and what loading throws. */
  run(name: Name, feeds: Readonly<Record<string, Feed>>, signal?: AbortSignal): Promise<RunResult>
  readonly engine: Engine
  close(): Promise<void>
}

/**
 * Loads all networks in the background in the order they are given in, and keeps them; with `lowMemory` loads each when it
 * is needed and lets go of the one before.
 */
export function startNetworks<Name extends string>(
  networks: Readonly<Record<Name, Network>>,
  { threads, device = 'cpu', cache = true, lowMemory = false }: RuntimeOptions = {},
): Networks<Name> {
  const engine = startEngine({ threads, device, cache: keptIn(lowMemory ? false : cache) })
  const load = (name: Name): Promise<Session> => {
    const { model, title, weightsRoot, device } = networks[name]
    return engine.load(model, { name: title, weightsRoot, device, ...(lowMemory ? { optimization: 'lean' as const } : {}) })
  }
  const names = Object.keys(networks) as Name[]
  const run = lowMemory ? oneAtATime(load) : allKept(names, load)
  return {
    engine,
    run: (name, feeds, signal) => run(name, feeds, signal),
    close: () => engine.close(),
  }
}

function keptIn(cache: boolean | GraphCache): GraphCache | undefined {
  if (typeof cache === 'object') return cache
  return cache ? openGraphCache() : undefined
}

type Run<Name> = (name: Name, feeds: Readonly<Record<string, Feed>>, signal: AbortSignal | undefined) => Promise<RunResult>

function allKept<Name extends string>(names: readonly Name[], load: (name: Name) => Promise<Session>): Run<Name> {
  const sessions = new Map(names.map((name) => [name, keptSession(() => load(name))]))
  // Who uses a session meets the error of a failed load again.
  for (const session of sessions.values()) session().catch(() => {})
  return async (name, feeds, signal) => (await sessions.get(name)!(signal)).run(feeds, signal)
}

/**
 * Loads when first asked and keeps the result; who asks with a signal can stop waiting, the load goes on. A failed load is
 * tried again by whoever asks next.
 */
function keptSession(load: () => Promise<Session>): (signal?: AbortSignal) => Promise<Session> {
  let kept: Promise<Session> | undefined
  return async (signal) => {
    signal?.throwIfAborted()
    kept ??= load().catch((error: unknown) => {
      kept = undefined
      throw error
    })
    if (signal === undefined) return kept
    let stop = (): void => {}
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
    })
    return Promise.race([kept, stopped]).finally(() => signal.removeEventListener('abort', stop))
  }
}

/** How long a network that has just run is kept for its next step while another one is asked for. */
const patience = 50

/** Requests for the loaded network come first, so that two samplers side by side do not change networks at every step. */
function oneAtATime<Name extends string>(load: (name: Name) => Promise<Session>): Run<Name> {
  interface Request {
    readonly name: Name
    readonly begin: () => Promise<void>
  }
  const waiting: Request[] = []
  let held: { readonly name: Name; readonly session: Session } | undefined
  let busy = false

  async function serve(): Promise<void> {
    if (busy) return
    busy = true
    for (;;) {
      const current = held?.name
      if (waiting.length > 0 && current !== undefined && !waiting.some(({ name }) => name === current))
        await new Promise((resolve) => setTimeout(resolve, patience))
      const place = Math.max(
        0,
        waiting.findIndex(({ name }) => name === current),
      )
      const [next] = waiting.splice(place, 1)
      if (next === undefined) break
      await next.begin()
    }
    busy = false
  }

  async function sessionOf(name: Name): Promise<Session> {
    if (held?.name !== name) {
      const before = held
      held = undefined
      await before?.session.release()
      held = { name, session: await load(name) }
    }
    return held.session
  }

  return async (name, feeds, signal) => {
    signal?.throwIfAborted()
    let stop = (): void => {}
    const result = new Promise<RunResult>((resolve, reject) => {
      const begin = async (): Promise<void> => {
        if (signal?.aborted === true) return
        await sessionOf(name)
          .then((session) => session.run(feeds, signal))
          .then(resolve, reject)
      }
      waiting.push({ name, begin })
      stop = () => reject(signal?.reason)
      void serve()
    })
    signal?.addEventListener('abort', stop, { once: true })
    return result.finally(() => signal?.removeEventListener('abort', stop))
  }
}
