/**
 * Maps a stream with up to `ahead` pieces of work under way at once, in order: what comes later is prepared while what
 * came first is used. A failure surfaces when its turn comes; leaving early waits for nothing.
 *
 * @param ahead Pieces of work begun before the first is taken, at least 1.
 */
export async function* lookAhead<In, Out>(
  items: AsyncIterable<In>,
  ahead: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out, void, undefined> {
  const iterator = items[Symbol.asyncIterator]()
  const begun: Promise<Out>[] = []
  let reading: Promise<void> | undefined
  let ended = false
  const read = async (): Promise<void> => {
    while (!ended && begun.length < ahead) {
      let next: IteratorResult<In>
      try {
        next = await iterator.next()
      } catch (error) {
        // Kept for its turn: nobody may be waiting now, and a second try would only find the source ended.
        ended = true
        const failed = Promise.reject<Out>(error)
        failed.catch(() => undefined)
        begun.push(failed)
        return
      }
      if (next.done) {
        ended = true
        return
      }
      const result = work(next.value)
      result.catch(() => undefined)
      begun.push(result)
    }
  }
  const refill = (): void => {
    if (begun.length >= ahead) return
    reading ??= read().finally(() => (reading = undefined))
    reading.catch(() => undefined)
  }
  try {
    for (;;) {
      refill()
      while (begun.length === 0 && reading !== undefined) await reading
      const first = begun.shift()
      if (first === undefined) return
      refill()
      yield await first
    }
  } finally {
    ended = true
    await iterator.return?.()
  }
}
