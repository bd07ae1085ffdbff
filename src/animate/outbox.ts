import type { RenderEvent } from './events.ts'

/** Events of work that goes on beside a generator, for it to yield. */
export interface Outbox {
  put(event: RenderEvent): void
  /** Takes what has come so far. */
  take(): RenderEvent[]
  /** Resolves when something has come, or already lies there, or at a call of `wake`. */
  filled(): Promise<void>
  wake(): void
}

export function createOutbox(): Outbox {
  const events: RenderEvent[] = []
  let wake: () => void = () => undefined
  return {
    put(event) {
      events.push(event)
      wake()
    },
    take: () => events.splice(0),
    wake: () => wake(),
    filled: () => new Promise((resolve) => (events.length > 0 ? resolve() : (wake = resolve))),
  }
}

/** Yields what comes into the outbox until a piece of work is done. */
export async function* meanwhile<T>(outbox: Outbox, work: Promise<T>): AsyncGenerator<RenderEvent, T, undefined> {
  let done = false
  const end = (): void => {
    done = true
    outbox.wake()
  }
  // Not a race with `work` for each event: it would hold on to all of them until the end.
  work.then(end, end)
  while (!done) {
    await outbox.filled()
    yield* outbox.take()
  }
  return work
}
