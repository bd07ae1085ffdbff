import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** Input options that keep ffmpeg away from the network and from devices, whatever a playlist inside the file asks for. */
export const localOnly: readonly string[] = ['-protocol_whitelist', 'file,pipe']

/** One line that ffmpeg logged (with `-loglevel level+…`), without its prefixes. */
export interface LogLine {
  readonly level: string
  /** Which part of ffmpeg spoke, for example `Parsed_showinfo_0` or `mov,mp4,m4a,3gp,3g2,mj2`; empty for the program itself. */
  readonly from: string
  readonly text: string
}

export interface FfmpegExit {
  /** Exit status; -1 when a signal ended it. */
  readonly code: number
  /** The last error lines, oldest first, at most 12. */
  readonly errors: readonly string[]
}

export interface RunningFfmpeg {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves when the process is gone and its output is read; rejects only if it could not be started. */
  readonly exit: Promise<FfmpegExit>
  /** Ends it at once (SIGKILL). Resolves when it is gone. */
  kill(): Promise<void>
}

/**
 * Starts ffmpeg with `-hide_banner -loglevel level+info` before `args`. An aborted signal kills it.
 *
 * @param options.onLine Gets every log line as it comes. The log must be read for ffmpeg to go on, so it is read here, always.
 */
export function startFfmpeg(
  program: string,
  args: readonly string[],
  options: { readonly signal?: AbortSignal | undefined; readonly onLine?: (line: LogLine) => void } = {},
): RunningFfmpeg {
  const { signal, onLine } = options
  signal?.throwIfAborted()
  const child: ChildProcess = spawn(program, ['-hide_banner', '-nostats', '-loglevel', 'level+info', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  })
  const stdin = child.stdin!
  const stdout = child.stdout!
  // The writer sees a broken pipe in its own callback; an 'error' event without a listener would end the program.
  stdin.on('error', () => {})
  stdout.on('error', () => {})

  const errors: string[] = []
  let rest = ''
  const take = (raw: string): void => {
    const line = parseLogLine(raw)
    if (line.level === 'error' || line.level === 'fatal' || line.level === 'panic') {
      errors.push(line.text)
      if (errors.length > 12) errors.shift()
    }
    onLine?.(line)
  }
  child.stderr!.setEncoding('utf8')
  child.stderr!.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/[\r\n]+/)
    rest = lines.pop()!
    for (const line of lines) if (line !== '') take(line)
  })

  const onAbort = (): void => void child.kill('SIGKILL')
  signal?.addEventListener('abort', onAbort, { once: true })
  const exit = new Promise<FfmpegExit>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (rest !== '') take(rest)
      resolve({ code: code ?? -1, errors })
    })
  }).finally(() => signal?.removeEventListener('abort', onAbort))
  exit.catch(() => {})

  return {
    stdin,
    stdout,
    exit,
    kill: async () => {
      child.kill('SIGKILL')
      stdout.destroy()
      stdin.destroy()
      await exit.catch(() => {})
    },
  }
}

/** Runs ffmpeg to its end with nothing on stdin. Its stdout is thrown away unless `collect` asks for it. */
export async function runFfmpeg(
  program: string,
  args: readonly string[],
  options: {
    readonly signal?: AbortSignal | undefined
    readonly onLine?: (line: LogLine) => void
    readonly input?: Uint8Array
    readonly collect?: boolean
  } = {},
): Promise<FfmpegExit & { readonly output: Buffer }> {
  const running = startFfmpeg(program, args, options)
  running.stdin.end(options.input)
  const parts: Buffer[] = []
  running.stdout.on('data', (chunk: Buffer) => {
    if (options.collect === true) parts.push(chunk)
  })
  const exit = await running.exit
  options.signal?.throwIfAborted()
  return { ...exit, output: Buffer.concat(parts) }
}

/** Splits `[h264 @ 0x55…] [error] text` into its parts. */
export function parseLogLine(raw: string): LogLine {
  const match = /^(?:\[([^\]]*?)(?: @ [^\]]*)?\] )?\[(\w+)\] (.*)$/.exec(raw)
  return match ? { from: match[1] ?? '', level: match[2]!, text: match[3]! } : { from: '', level: 'info', text: raw }
}

/** What went wrong, in ffmpeg's own last words, as the end of a sentence. */
export function lastWords(exit: FfmpegExit): string {
  const text = exit.errors.at(-1)?.replace(/[.\s]+$/, '')
  return text === undefined || text === '' ? `ffmpeg ended with status ${exit.code}` : text
}

/** Whether the output is whole. Some builds end with status 0 although the disk was full when they closed the file. */
export function succeeded({ code, errors }: FfmpegExit): boolean {
  return code === 0 && !errors.some((line) => /No space left on device|Error writing trailer/.test(line))
}

/** Whether the disk was full. */
export function ranOutOfSpace({ errors }: FfmpegExit): boolean {
  return errors.some((line) => line.includes('No space left on device'))
}
