import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import '../../test/workers.ts'
import { movingTexture } from '../../test/moving-texture.ts'
import { disEstimator } from './dis.ts'
import { farnebackEstimator } from './farneback.ts'
import { itEstimatesFlow } from './flow-estimator.contract.ts'
import { flowWorkers, type FlowWorkersOptions } from './flow-workers.ts'
import type { FlowEstimator } from './flow.ts'

const open: FlowEstimator[] = []
afterEach(async () => {
  for (const estimator of open.splice(0)) await estimator.close()
})

function workers(options?: FlowWorkersOptions): FlowEstimator {
  const estimator = flowWorkers(options)
  open.push(estimator)
  return estimator
}

describe('DIS in threads', () => {
  itEstimatesFlow(() => flowWorkers(), { still: 0, translation: 0.05, affine: 0.05 })
})

describe('flow workers', () => {
  const { from, to } = movingTexture(96, 64, () => [2, 1])

  it('give what the estimator gives on the calling thread, and have its id', async () => {
    const here = disEstimator('fast')
    const there = workers({ method: { name: 'dis', settings: 'fast' } })
    expect(there.id).toBe(here.id)
    expect((await there.estimate(from, to)).data).toEqual((await here.estimate(from, to)).data)
  })

  it('run Farneback too', async () => {
    const there = workers({ method: { name: 'farneback', settings: { levels: 3 } }, workers: 1 })
    const here = farnebackEstimator({ levels: 3 })
    expect(there.id).toBe(here.id)
    expect((await there.estimate(from, to)).data).toEqual((await here.estimate(from, to)).data)
  })

  it('take frames that are views of a larger buffer', async () => {
    const buffer = new Uint8Array(from.data.length * 2)
    buffer.set(from.data, 100)
    const view = { ...from, data: buffer.subarray(100, 100 + from.data.length) }
    const there = workers()
    expect((await there.estimate(view, to)).data).toEqual((await disEstimator().estimate(from, to)).data)
  })

  it('leave the frames with the caller and give flows in memory that threads share', async () => {
    const { data } = await workers().estimate(from, to)
    expect(data.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect(from.data.length).toBe(96 * 64 * 3)
  })

  it('reject when the script of the thread is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ofgen-flow-'))
    const there = workers({ workerUrl: pathToFileURL(join(folder, 'nowhere.mjs')), workers: 1 })
    await expect(there.estimate(from, to)).rejects.toMatchObject({ code: 'engine_failed' })
    rmSync(folder, { recursive: true })
  })

  it('refuse numbers of threads that are none', () => {
    expect(() => flowWorkers({ workers: 0 })).toThrow(RangeError)
    expect(() => flowWorkers({ waiting: 1.5 })).toThrow(RangeError)
  })
})
