import type { Plane } from '../image/frame.ts'

/**
 * Keeps what belongs to clear lines: groups of touching pixels (8 neighbours) at or above `low` that reach `high` somewhere and have
 * `least` pixels; all else becomes 0.
 *
 * @param least Pixels below which a group is a speck.
 */
export function clearLines({ width, height, data }: Plane, low: number, high: number, least: number): Plane {
  const out = new Float32Array(data.length)
  const seen = new Uint8Array(data.length)
  const stack: number[] = []
  const group: number[] = []
  for (let start = 0; start < data.length; start++) {
    if (seen[start] === 1 || data[start]! < low) continue
    group.length = 0
    seen[start] = 1
    stack.push(start)
    let best = 0
    while (stack.length > 0) {
      const i = stack.pop()!
      group.push(i)
      best = Math.max(best, data[i]!)
      const x = i % width
      const y = (i - x) / width
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u
          if (seen[next] === 1 || data[next]! < low) continue
          seen[next] = 1
          stack.push(next)
        }
    }
    if (best < high || group.length < least) continue
    for (const i of group) out[i] = data[i]!
  }
  return { width, height, data: out }
}
