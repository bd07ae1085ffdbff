import { describe, expect, it } from 'vitest'
import { endPointError, movingTexture } from '../../test/moving-texture.ts'
import { isAbort } from '../errors.ts'
import { blankFrame } from '../image/frame.ts'
import { constantFlow, uniformFlow } from './constant-flow.ts'
import { disEstimator } from './dis.ts'
import type { FlowEstimator } from './flow.ts'
import { estimateMotion, flowLength, motionFromFlows } from './motion.ts'

describe('motion', () => {
  it('asks for the way back from the current frame and the way on from the previous one', async () => {
    const asked: [unknown, unknown][] = []
    const inner = constantFlow(0, 0)
    const estimator: FlowEstimator = {
      ...inner,
      estimate: (from, to, signal) => {
        asked.push([from, to])
        return inner.estimate(from, to, signal)
      },
    }
    const [previous, current] = [blankFrame(8, 6), blankFrame(8, 6)]
    await estimateMotion(estimator, previous, current)
    expect(asked).toHaveLength(2)
    expect(asked[0]![0]).toBe(current)
    expect(asked[0]![1]).toBe(previous)
    expect(asked[1]![0]).toBe(previous)
    expect(asked[1]![1]).toBe(current)
  })

  it('is believed where the picture moved evenly, and not where it came in from outside', async () => {
    const { from: current, to: previous, flow } = movingTexture(120, 80, () => [5, 0])
    const motion = await estimateMotion(disEstimator(), previous, current)
    const seen = Uint8Array.from({ length: 120 * 80 }, (_, i) => (i % 120 < 110 ? 1 : 0))
    expect(endPointError(motion.backward, flow, seen)).toBeLessThan(0.05)
    for (let y = 0; y < 80; y++) {
      expect(motion.occluded[y * 120 + 118]).toBe(1)
      expect(motion.trust.data[y * 120 + 119]).toBe(0)
      expect(motion.occluded[y * 120 + 60]).toBe(0)
      expect(motion.trust.data[y * 120 + 60]).toBeGreaterThan(0.95)
      expect(motion.distance.data[y * 120 + 60]).toBeCloseTo(5, 1)
    }
  })

  it('has no trust where the sources differ, even if the flows agree', () => {
    const flow = uniformFlow(20, 16, 0, 0)
    const dark = blankFrame(20, 16)
    const light = { ...dark, data: dark.data.map(() => 80) }
    expect(Math.max(...motionFromFlows(dark, light, flow, flow).trust.data)).toBeLessThan(1e-6)
    expect(Math.min(...motionFromFlows(dark, dark, flow, flow).trust.data)).toBeCloseTo(1, 6)
  })

  it('measures lengths in pixels', () => {
    expect([...flowLength(uniformFlow(2, 1, 3, -4)).data]).toEqual([5, 5])
  })

  it('passes an abort on and refuses sizes that differ', async () => {
    const frame = blankFrame(8, 6)
    const error: unknown = await estimateMotion(constantFlow(0, 0), frame, frame, AbortSignal.abort()).catch((e: unknown) => e)
    expect(isAbort(error)).toBe(true)
    const flow = uniformFlow(8, 6, 0, 0)
    expect(() => motionFromFlows(frame, frame, flow, uniformFlow(6, 8, 0, 0))).toThrow(TypeError)
    expect(() => motionFromFlows(blankFrame(6, 8), frame, flow, flow)).toThrow(TypeError)
  })
})
