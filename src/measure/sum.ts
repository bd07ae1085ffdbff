/** Values added up and how many they were, so that means over pooled pixels can be put together from parts. */
export interface Sum {
  readonly total: number
  readonly count: number
}

/** A sum of nothing. */
export const emptySum: Sum = { total: 0, count: 0 }

/** One value as a sum. */
export function one(value: number): Sum {
  return { total: value, count: 1 }
}

/** The mean, or null where nothing was counted. */
export function meanOf(sum: Sum): number | null {
  return sum.count === 0 ? null : sum.total / sum.count
}

/** The mean over all parts pooled, or null where nothing was counted. */
export function pooledMean(parts: readonly Sum[]): number | null {
  let total = 0
  let count = 0
  for (const part of parts) {
    total += part.total
    count += part.count
  }
  return count === 0 ? null : total / count
}
