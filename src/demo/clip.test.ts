import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { warpFrame } from '../flow/warp.ts'
import type { Frame } from '../image/frame.ts'
import { type DemoClip, demoClip, demoMotion } from './clip.ts'

const clip = demoClip()
const drawn = new Map<number, Frame>()

async function frameOf(source: DemoClip, index: number): Promise<Frame> {
  for await (const { image } of source.frames({ range: { unit: 'frames', start: index, end: index + 1 } })) return image
  throw new Error(`no frame ${index}`)
}

async function frame(index: number): Promise<Frame> {
  const image = drawn.get(index) ?? (await frameOf(clip, index))
  drawn.set(index, image)
  return image
}

/** Mean absolute difference over the pixels that `mask` leaves, of 255. */
function difference(a: Frame, b: Frame, hidden?: Uint8Array, wanted?: (i: number) => boolean): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < a.width * a.height; i++) {
    if (hidden?.[i] === 1 || (wanted && !wanted(i))) continue
    for (let c = 0; c < 3; c++) sum += Math.abs(a.data[3 * i + c]! - b.data[3 * i + c]!)
    count += 3
  }
  return sum / count
}

function negated(flow: Flow): Flow {
  return { ...flow, data: flow.data.map((v) => -v) }
}

const scenery = new Set(['sky', 'mountains', 'woods', 'near hills', 'meadow', 'windmill'])

describe('the exact motion of the demo clip', () => {
  it.each([1, 14, 21, 40])('carries the frame before onto frame %i', async (index) => {
    const [before, now] = [await frame(index - 1), await frame(index)]
    const { backward, occludedBackward, part } = clip.motion(index)
    const dancer = (i: number): boolean => !scenery.has(clip.partNames[part[i]!]!)
    const still = difference(before, now, occludedBackward, dancer)
    const carried = difference(warpFrame(before, backward, 'linear'), now, occludedBackward, dancer)
    const wrong = difference(warpFrame(before, negated(backward), 'linear'), now, occludedBackward, dancer)
    console.log(index, {
      carried,
      still,
      wrong,
      all: difference(warpFrame(before, backward, 'linear'), now, occludedBackward),
      hidden: occludedBackward.reduce((a, b) => a + b, 0) / part.length,
    })
    expect(carried).toBeLessThan(9)
    expect(wrong).toBeGreaterThan(2 * carried)
  })

  it('goes both ways: forward from a frame and backward from the next cancel', () => {
    const { forward, part } = clip.motion(20)
    const next = clip.motion(21)
    const { width, height } = forward
    let sum = 0
    let count = 0
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const [dx, dy] = [forward.data[2 * i]!, forward.data[2 * i + 1]!]
        const [u, v] = [Math.round(x + dx), Math.round(y + dy)]
        if (u < 0 || v < 0 || u >= width || v >= height) continue
        const j = v * width + u
        if (next.part[j] !== part[i] || next.occludedBackward[j] === 1) continue
        sum += Math.abs(dx + next.backward.data[2 * j]!) + Math.abs(dy + next.backward.data[2 * j + 1]!)
        count++
      }
    }
    console.log(sum / count, count / part.length)
    expect(count / part.length).toBeGreaterThan(0.8)
    expect(sum / count).toBeLessThan(0.1)
  })

  it('closes the loop: the last frame leads into the first', async () => {
    const { backward, occludedBackward } = clip.motion(0)
    const carried = difference(warpFrame(await frame(47), backward, 'linear'), await frame(0), occludedBackward)
    console.log(carried)
    expect(carried).toBeLessThan(4)
  })
})

it('hash', async () => {
  console.log(
    createHash('sha256')
      .update((await frameOf(demoClip({ width: 96, height: 144 }), 5)).data)
      .digest('hex'),
  )
  demoMotion(1, { width: 32, height: 48 })
})
