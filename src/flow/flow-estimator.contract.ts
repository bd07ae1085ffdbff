import { afterAll, describe, expect, it } from 'vitest'
import { endPointError, movingTexture } from '../../test/moving-texture.ts'
import { isAbort } from '../errors.ts'
import { blankFrame } from '../image/frame.ts'
import type { FlowEstimator } from './flow.ts'

/** Mean end-point errors in pixels that an estimator keeps on a procedural texture. */
export interface FlowBounds {
  /** Equal frames. */
  readonly still: number
  /** Everything moved by (3.4, -2.2); away from the edges. */
  readonly translation: number
  /** Turned by 0.02 rad and grown by 1 %; away from the edges. Without it the case is left out. */
  readonly affine?: number
}

/**
 * What every {@link FlowEstimator} keeps.
 *
 * @param create Makes one; `u`, `v`: what the frames of the case move by, for those that cannot find out.
 */
export function itEstimatesFlow(create: (u: number, v: number) => FlowEstimator, bounds: FlowBounds): void {
  describe('a flow estimator', () => {
    const made: FlowEstimator[] = []
    const start = (u: number, v: number): FlowEstimator => {
      const estimator = create(u, v)
      made.push(estimator)
      return estimator
    }
    afterAll(async () => {
      for (const estimator of made) await estimator.close()
    })
    const width = 160
    const height = 121

    it('finds no motion between equal frames', async () => {
      const { from, flow } = movingTexture(width, height, () => [0, 0])
      const found = await start(0, 0).estimate(from, from)
      expect(found).toMatchObject({ width, height })
      expect(found.data).toHaveLength(width * height * 2)
      expect(endPointError(found, flow)).toBeLessThanOrEqual(bounds.still)
    })

    it('finds where a point of the first frame lies in the second', async () => {
      const { from, to, flow } = movingTexture(width, height, () => [3.4, -2.2])
      const found = await start(3.4, -2.2).estimate(from, to)
      expect(endPointError(found, flow, inner(width, height))).toBeLessThanOrEqual(bounds.translation)
    })

    it.skipIf(bounds.affine === undefined)('finds a turning and growing', async () => {
      const { from, to, flow } = movingTexture(width, height, (x, y) => {
        const [px, py] = [x - width / 2, y - height / 2]
        return [0.01 * px - 0.02 * py, 0.02 * px + 0.01 * py]
      })
      const found = await start(0, 0).estimate(from, to)
      expect(endPointError(found, flow, inner(width, height))).toBeLessThanOrEqual(bounds.affine!)
    })

    it('leaves the frames as they were and gives the same flow again', async () => {
      const { from, to } = movingTexture(64, 48, () => [1, 2])
      const [a, b] = [from.data.slice(), to.data.slice()]
      const estimator = start(1, 2)
      const first = await estimator.estimate(from, to)
      const again = await estimator.estimate(from, to)
      expect(from.data).toEqual(a)
      expect(to.data).toEqual(b)
      expect(again.data).toEqual(first.data)
      expect(again.data).not.toBe(first.data)
    })

    it('answers estimates that were asked for together, each with its own', async () => {
      const estimator = start(1, 0)
      const sizes = [40, 52, 64, 76]
      const flows = await Promise.all(
        sizes.map((side) => {
          const { from, to } = movingTexture(side, 48, () => [1, 0])
          return estimator.estimate(from, to)
        }),
      )
      expect(flows.map((flow) => flow.width)).toEqual(sizes)
    })

    it('takes frames that are views into a larger buffer', async () => {
      const { from, to } = movingTexture(64, 48, () => [2, 0])
      const estimator = start(2, 0)
      const whole = await estimator.estimate(from, to)
      const packed = new Uint8Array(from.data.length * 2 + 5)
      packed.set(from.data, 5)
      packed.set(to.data, 5 + from.data.length)
      const views = [5, 5 + from.data.length].map((at) => ({ ...from, data: packed.subarray(at, at + from.data.length) }))
      expect((await estimator.estimate(views[0]!, views[1]!)).data).toEqual(whole.data)
      expect(packed.length).toBe(from.data.length * 2 + 5)
    })

    it('refuses frames of different sizes', async () => {
      await expect(start(0, 0).estimate(blankFrame(32, 24), blankFrame(24, 32))).rejects.toThrow(TypeError)
    })

    it('rejects with an AbortError once the signal is aborted', async () => {
      const frame = blankFrame(32, 24)
      const error: unknown = await start(0, 0)
        .estimate(frame, frame, AbortSignal.abort())
        .catch((reason: unknown) => reason)
      expect(isAbort(error)).toBe(true)
    })

    it('has an id that depends on its settings only', () => {
      expect(start(1, 2).id).toBe(start(1, 2).id)
      expect(start(1, 2).id).not.toBe('')
    })
  })
}

function inner(width: number, height: number, margin = 8): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width
    const y = Math.floor(i / width)
    return x >= margin && x < width - margin && y >= margin && y < height - margin ? 1 : 0
  })
}
