import type { RenderEvent } from '../animate/events.ts'
import { isAbort } from '../errors.ts'
import { showProgress } from './progress.ts'

/** What every command is given. */
export interface RunContext {
  readonly signal: AbortSignal
  readonly version: string
  /** The command as it was typed, to be run again. */
  readonly again: string
  readonly json: boolean
}

/** Runs a render to its end while showing its events. Says how to go on when it is interrupted. */
export async function runEvents<Result>(events: AsyncGenerator<RenderEvent, Result>, context: RunContext): Promise<Result> {
  const show = context.json
    ? (event: RenderEvent): unknown => process.stdout.write(JSON.stringify(event) + '\n')
    : showProgress(process.stdout)
  let finished = 0
  try {
    for (;;) {
      const next = await events.next()
      if (next.done) return next.value
      if (next.value.type === 'frame') finished++
      show(next.value)
    }
  } catch (error) {
    if (isAbort(error)) {
      const kept = finished === 0 ? 'Nothing was painted yet' : `What was finished is kept`
      process.stderr.write(`\nInterrupted. ${kept}; to go on run the same command again:\n  ${context.again}\n`)
    } else if (!context.json && process.stdout.isTTY) process.stdout.write('\n')
    throw error
  }
}
