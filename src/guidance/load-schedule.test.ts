import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scheduleMotion } from './guidance-schedule.ts'
import { loadSchedule, trySchedule } from './load-schedule.ts'

const [width, height] = [4, 3]
const motion = scheduleMotion({ distance: { width, height, data: Float32Array.from({ length: 12 }, (_, i) => i / 4) } }, 0.4)

describe("a user's guidance schedule", () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ofgen schedule-'))
  })
  afterAll(async () => rm(dir, { recursive: true }))

  let count = 0
  async function load(source: string, name = `schedule-${count++}.mjs`): ReturnType<typeof loadSchedule> {
    const path = join(dir, name)
    await writeFile(path, source)
    return loadSchedule(path)
  }

  it("is called with the script's own argument names, and with ours", async () => {
    const schedule =
      await load(`export default (progress, { dist_mat, mean_of_dist, denoise_strength, distance, meanDistance, strength, trust }) => {
      if (distance !== dist_mat || meanDistance !== mean_of_dist || strength !== denoise_strength) throw new Error('names differ')
      if (dist_mat.width !== 4 || dist_mat.height !== 3 || trust[5] !== 1) throw new Error('arrays differ')
      return progress + 10 * mean_of_dist + 100 * denoise_strength + 1000 * dist_mat[11]
    }`)
    expect(schedule(0.5, motion)).toBeCloseTo(0.5 + 13.75 + 40 + 2750, 8)
  })

  it.each([
    ['a default export', 'export default () => 0.25'],
    ['a named export', 'export function guidanceSchedule() { return 0.25 }'],
    ["the script's name", 'export const guidance_schedule = () => 0.25'],
  ])('may be %s', async (_, source) => {
    expect((await load(source))(0.5, motion)).toBe(0.25)
  })

  it('may be CommonJS in a .cjs file', async () => {
    expect((await load('module.exports = () => 0.25', 'old.cjs'))(0.5, motion)).toBe(0.25)
  })

  it('may return numbers in any kind of array, or rows of them', async () => {
    const expected = Float32Array.from({ length: 12 }, (_, i) => (i / 4 > 1.5 ? 0.125 : 0.5))
    for (const body of [
      'dist_mat.map((d) => (d > 1.5 ? 0.125 : 0.5))',
      'Array.from(dist_mat, (d) => (d > 1.5 ? 0.125 : 0.5))',
      'Float64Array.from(dist_mat, (d) => (d > 1.5 ? 0.125 : 0.5))',
      '[0, 1, 2].map((y) => [0, 1, 2, 3].map((x) => (dist_mat[4 * y + x] > 1.5 ? 0.125 : 0.5)))',
    ])
      expect((await load(`export default (p, { dist_mat }) => ${body}`))(1, motion)).toEqual(expected)
  })

  it('may write to what it is given', async () => {
    const schedule = await load('export default (p, { dist_mat }) => dist_mat.fill(0.5)')
    expect(schedule(1, motion)).toEqual(new Float32Array(12).fill(0.5))
    expect(motion.distance[4]).toBe(1)
  })

  it('is read again when the file changed', async () => {
    const path = join(dir, 'edited.mjs')
    await writeFile(path, 'export default () => 1')
    expect((await loadSchedule(path))(1, motion)).toBe(1)
    await writeFile(path, 'export default () => 2')
    await utimes(path, new Date(), new Date(Date.now() + 5000))
    expect((await loadSchedule(path))(1, motion)).toBe(2)
  })

  it.each([
    ['Infinity', /gave Infinity; accepted are a number or 12 of them, one for each of 4x3 pixels/],
    ['"0.6"', /gave a string/],
    ['undefined', /gave undefined/],
    ['Promise.resolve(0.5)', /gave a promise/],
    ['new Float32Array(11)', /gave 11 values/],
    ['[[0.5], [0.5], [0.5]]', /gave 3 values/],
    ['dist_mat.map(() => NaN)', /gave NaN at place 0/],
    ['Array(12).fill("x")', /gave a string at place 0/],
    ['({})', /gave an object/],
  ])('is refused when it returns %s', async (body, message) => {
    const schedule = await load(`export default (p, { dist_mat }) => ${body}`)
    const call = (): unknown => schedule(1, motion)
    expect(call).toThrow(message)
    expect(call).toThrow(expect.objectContaining({ code: 'schedule_invalid' }) as Error)
  })

  it('that fails is named with its file and line', async () => {
    const schedule = await load(
      '\n\nexport default function (p, motion) {\n  return motion.nothing.map((d) => d)\n}\n',
      'runtime.mjs',
    )
    expect(() => schedule(1, motion)).toThrow(/runtime\.mjs:4: the guidance schedule failed: .*undefined.*map/)
    await expect(load('\nnothing()\nexport default () => 1', 'top.mjs')).rejects.toThrow(/top\.mjs:2: .*nothing is not defined/)
  })

  it('that is no JavaScript is named with its file and line', async () => {
    await expect(load('export default (p) => {\n  return p < 0.8 0.6\n}\n', 'syntax.mjs')).rejects.toMatchObject({
      code: 'schedule_invalid',
      message: expect.stringMatching(/syntax\.mjs:2: .+/) as string,
      hint: 'Look at line 2 of syntax.mjs.',
    })
  })

  it('that is missing or exports nothing is refused', async () => {
    await expect(loadSchedule(join(dir, 'missing.mjs'))).rejects.toMatchObject({ code: 'schedule_invalid' })
    await expect(load('export const weight = 0.5', 'nothing.mjs')).rejects.toThrow(/nothing\.mjs exports no function/)
    await expect(load('import "./gone.mjs"', 'imports.mjs')).rejects.toThrow(/imports\.mjs: .*gone\.mjs/)
  })

  it('can be tried before a render begins', async () => {
    const fits = await load('export default (p, { width, height }) => new Float32Array(width * height)')
    const fixed = await load('export default () => new Float32Array(64)')
    const late = await load('export default (p) => (p === 1 ? NaN : 0.5)')
    const size = { width: 8, height: 6, strength: 0.4 }
    expect(() => trySchedule(fits, size)).not.toThrow()
    expect(() => trySchedule(fixed, size)).toThrow(/gave 64 values/)
    expect(() => trySchedule(late, size)).toThrow(/gave NaN/)
  })
})
