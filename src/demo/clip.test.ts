import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { warpFrame } from '../flow/warp.ts'
import type { Frame } from '../image/frame.ts'
import { testFrameSource } from '../video/frame-source.contract.ts'
import { type DemoClip, demoClip, demoMotion } from './clip.ts'

testFrameSource('the demo clip', () =>
  Promise.resolve({ source: demoClip({ width: 32, height: 48, frames: 6 }), count: 6, within: 0 }),
)

async function frameOf(source: DemoClip, index: number): Promise<Frame> {
  for await (const { image } of source.frames({ range: { unit: 'frames', start: index, end: index + 1 } })) return image
  throw new Error(`There is no frame ${index}.`)
}

const size = { width: 144, height: 216 }
const clip = demoClip(size)
const scenery = new Set(['sky', 'mountains', 'woods', 'near hills', 'meadow', 'windmill', 'trees'])
const named = (name: string): number => clip.partNames.indexOf(name)

/** Mean absolute difference (of 255) over the wanted pixels. */
function difference(a: Frame, b: Frame, wanted: (i: number) => boolean): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < a.width * a.height; i++) {
    if (!wanted(i)) continue
    for (let c = 0; c < 3; c++) sum += Math.abs(a.data[3 * i + c]! - b.data[3 * i + c]!)
    count += 3
  }
  return sum / count
}

function scaled(flow: Flow, by: number): Flow {
  return { ...flow, data: flow.data.map((v) => v * by) }
}

/** Whether a pixel and its eight neighbours show the same part: no edge is mixed into it. */
function inside(part: Uint8Array, i: number): boolean {
  for (const dy of [-1, 0, 1]) for (const dx of [-1, 0, 1]) if (part[i + dy * size.width + dx] !== part[i]) return false
  return true
}

describe('the true motion', () => {
  it.each([4, 16, 21, 29])('carries the frame before onto frame %i where nothing was hidden', async (index) => {
    const [before, now] = [await frameOf(clip, index - 1), await frameOf(clip, index)]
    const { backward, occludedBackward, part } = clip.motion(index)
    const shown = (i: number): boolean => occludedBackward[i] === 0
    const dancer = (i: number): boolean => shown(i) && inside(part, i) && !scenery.has(clip.partNames[part[i]!]!)
    const carried = warpFrame(before, backward, 'linear')
    // All pixels, edges too: what is left is the blur of resampling and the lines that move over the body as she turns.
    expect(difference(carried, now, shown)).toBeLessThan(5.5)
    expect(difference(carried, now, dancer)).toBeLessThan(10)
    // Without the motion and against it the dancer is not met.
    for (const by of [0, -1])
      expect(difference(warpFrame(before, scaled(backward, by), 'linear'), now, dancer)).toBeGreaterThan(
        2.5 * difference(carried, now, dancer),
      )
  })

  it('is exact: half a pixel beside it fits worse, on every side', async () => {
    const [before, now] = [await frameOf(clip, 15), await frameOf(clip, 16)]
    const { backward, occludedBackward, part } = clip.motion(16)
    const sure = (i: number): boolean => occludedBackward[i] === 0 && inside(part, i)
    const error = (dx: number, dy: number): number => {
      const moved = { ...backward, data: backward.data.map((v, k) => v + (k % 2 === 0 ? dx : dy)) }
      return difference(warpFrame(before, moved, 'cubic'), now, sure)
    }
    const exact = error(0, 0)
    for (const [dx, dy] of [
      [0.5, 0],
      [-0.5, 0],
      [0, 0.5],
      [0, -0.5],
    ] as const)
      expect(error(dx, dy)).toBeGreaterThan(1.1 * exact)
  })

  it.each([3, 20])('carries the next frame onto frame %i', async (index) => {
    const [now, next] = [await frameOf(clip, index), await frameOf(clip, index + 1)]
    const { forward, part } = clip.motion(index)
    const ahead = clip.motion(index + 1).part
    const shown = (i: number): boolean => {
      const x = Math.round((i % size.width) + forward.data[2 * i]!)
      const y = Math.round(Math.floor(i / size.width) + forward.data[2 * i + 1]!)
      const inView = x > 0 && y > 0 && x < size.width - 1 && y < size.height - 1
      return inView && inside(part, i) && inside(ahead, y * size.width + x) && ahead[y * size.width + x] === part[i]
    }
    const dancer = (i: number): boolean => shown(i) && !scenery.has(clip.partNames[part[i]!]!)
    const carried = difference(warpFrame(next, forward, 'linear'), now, dancer)
    expect(carried).toBeLessThan(9)
    expect(difference(next, now, dancer)).toBeGreaterThan(2.5 * carried)
  })

  it('is the same there and back: forward from a frame and backward from the next cancel', () => {
    const { forward, part } = clip.motion(20)
    const next = clip.motion(21)
    let sum = 0
    let count = 0
    for (let i = 0; i < part.length; i++) {
      const [dx, dy] = [forward.data[2 * i]!, forward.data[2 * i + 1]!]
      const [u, v] = [Math.round((i % size.width) + dx), Math.round(Math.floor(i / size.width) + dy)]
      if (u < 0 || v < 0 || u >= size.width || v >= size.height) continue
      const j = v * size.width + u
      if (next.part[j] !== part[i] || next.occludedBackward[j] === 1) continue
      sum += Math.abs(dx + next.backward.data[2 * j]!) + Math.abs(dy + next.backward.data[2 * j + 1]!)
      count++
    }
    expect(count / part.length).toBeGreaterThan(0.85)
    // Half a pixel of rounding times the slope of the motion.
    expect(sum / count).toBeLessThan(0.1)
  })

  it('closes the loop: the last frame leads into the first', async () => {
    const { backward, occludedBackward } = clip.motion(0)
    const carried = warpFrame(await frameOf(clip, 47), backward, 'linear')
    const error = difference(carried, await frameOf(clip, 0), (i) => occludedBackward[i] === 0)
    expect(error).toBeLessThan(5)
  })

  it('is quick at the hands, slow in the landscape, and finite', () => {
    let hands = 0
    for (let index = 0; index < 48; index += 7) {
      const { backward, part } = clip.motion(index)
      for (let i = 0; i < part.length; i++) {
        const [dx, dy] = [backward.data[2 * i]!, backward.data[2 * i + 1]!]
        const moved = Math.sqrt(dx * dx + dy * dy)
        if (part[i] === named('left hand') || part[i] === named('right hand')) hands = Math.max(hands, moved)
        if (part[i] === named('woods') && !(moved < 4)) expect.fail(`The woods move ${moved} pixels.`)
        if (!(moved < 40)) expect.fail(`A pixel moves ${moved} pixels.`)
      }
    }
    expect(hands).toBeGreaterThan(8)
  })

  it('marks as hidden what appears from behind something or from outside: a few per cent of the picture', () => {
    for (const index of [3, 11, 20, 36]) {
      const { occludedBackward, backward } = clip.motion(index)
      const share = occludedBackward.reduce((sum, v) => sum + v, 0) / occludedBackward.length
      expect(share).toBeGreaterThan(0.005)
      expect(share).toBeLessThan(0.1)
      for (let i = 0; i < occludedBackward.length; i++) {
        const x = (i % size.width) + backward.data[2 * i]!
        if (x < -1 || x > size.width) expect(occludedBackward[i]).toBe(1)
      }
    }
  })

  it('is refused for frames that are not there', () => {
    expect(() => clip.motion(48)).toThrow(RangeError)
    expect(() => demoMotion(-1)).toThrow(RangeError)
    expect(() => clip.motion(0.5)).toThrow(RangeError)
  })
})

describe('the picture', () => {
  it('shows every part of the dancer', () => {
    const seen = new Set<number>()
    for (const index of [0, 10, 22, 34]) for (const p of clip.motion(index).part) seen.add(p)
    expect(clip.partNames.filter((name) => !seen.has(named(name)))).toEqual([])
  })

  it.each([
    [96, 64],
    [160, 90],
    [40, 120],
    [17, 16],
  ])('holds the whole dancer and no hole at %i x %i', (width, height) => {
    const other = demoClip({ width, height })
    const border = new Set<string>()
    for (const index of [5, 14, 21, 37]) {
      const { part } = other.motion(index)
      for (let i = 0; i < part.length; i++) {
        const [x, y] = [i % width, Math.floor(i / width)]
        if (x === 0 || y === 0 || x === width - 1 || y === height - 1) border.add(other.partNames[part[i]!]!)
      }
    }
    border.delete('petals')
    expect([...border].filter((name) => !scenery.has(name))).toEqual([])
  })

  it('has the same bytes on every machine', async () => {
    const hash = createHash('sha256')
    const small = demoClip({ width: 64, height: 96 })
    for (const index of [0, 21]) hash.update((await frameOf(small, index)).data)
    expect(hash.digest('hex').slice(0, 16)).toBe('2809f91e083561c6')
  })

  it('shows the same moment alike at another rate', async () => {
    const [a, b] = await Promise.all([
      frameOf(demoClip({ width: 64, height: 96 }), 5),
      frameOf(demoClip({ width: 64, height: 96, rate: 24, frames: 96 }), 10),
    ])
    expect(b.data).toEqual(a.data)
  })

  it.each([{ width: 15 }, { height: 1.5 }, { frames: 0 }, { rate: 0 }, { rate: Infinity }, { width: 5000 }])(
    'refuses %o by name',
    (options) => {
      expect(() => demoClip(options)).toThrow(new RegExp(`^${Object.keys(options)[0]!} of the demo clip`))
    },
  )
})
