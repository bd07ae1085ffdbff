import type { Tensor } from './tensor.ts'

// What an engine and its child process say to each other. One request is under way at a time.

export interface SessionOptions {
  /** How far the graph is rewritten at load: `all` is fastest to run and slowest to load. */
  readonly optimization: 'disabled' | 'basic' | 'extended' | 'all'
  /** Threads inside one operator; 0 leaves the number to the runtime. */
  readonly threads: number
  /** Folder that the locations of external weights are relative to. */
  readonly weightsRoot: string
}

export type HostRequest =
  | { readonly kind: 'load'; readonly session: number; readonly model: Uint8Array; readonly options: SessionOptions }
  | { readonly kind: 'run'; readonly session: number; readonly feeds: Readonly<Record<string, Tensor>> }
  | { readonly kind: 'release'; readonly session: number }
  | { readonly kind: 'memory' }

export type HostReply =
  | {
      readonly kind: 'done'
      readonly outputs: Readonly<Record<string, Tensor>>
      /** Seconds inside the runtime. */
      readonly seconds: number
      /** Seconds of all cores inside the runtime. */
      readonly cpuSeconds: number
      /** Bytes held by the child now, and at most so far. */
      readonly memory: { readonly resident: number; readonly peak: number }
    }
  | { readonly kind: 'failed'; readonly message: string }
