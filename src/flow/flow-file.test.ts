import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeFlo, decodeKittiFlow, encodeFlo, encodeKittiFlow, readFlow, writeFlow } from './flow-file.ts'
import type { Flow } from './flow.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-flow-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const flow: Flow = { width: 3, height: 2, data: Float32Array.from([1, -2, 0.5, 0.25, -100.125, 77, 0, 0, 3, 4, 5, 6]) }
const known = Uint8Array.from([1, 1, 1, 0, 1, 1])

describe('.flo', () => {
  it('has the bytes of the format', () => {
    const bytes = Buffer.from(encodeFlo(flow))
    expect(bytes.toString('latin1', 0, 4)).toBe('PIEH')
    expect([bytes.readInt32LE(4), bytes.readInt32LE(8)]).toEqual([3, 2])
    expect(bytes.readFloatLE(12 + 4 * 5)).toBe(77)
    expect(bytes).toHaveLength(12 + 6 * 8)
  })

  it('brings every vector back exactly', () => {
    const vectors = fc.array(fc.float({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 60 })
    fc.assert(
      fc.property(vectors, (values) => {
        const width = values.length >> 1
        const data = Float32Array.from(values.slice(0, 2 * width))
        expect(decodeFlo(encodeFlo({ width, height: 1, data })).flow).toEqual({ width, height: 1, data })
      }),
    )
  })

  it('keeps what is unknown', () => {
    const read = decodeFlo(encodeFlo(flow, known))
    expect(read.known).toEqual(known)
    expect([...read.flow.data.subarray(6, 8)]).toEqual([0, 0])
  })

  it('refuses other bytes', () => {
    expect(() => decodeFlo(new Uint8Array(4))).toThrow(RangeError)
    expect(() => decodeFlo(encodeFlo(flow).subarray(0, 50))).toThrow(RangeError)
    expect(() => decodeFlo(encodeFlo(flow).fill(0, 0, 4))).toThrow(RangeError)
    // A view whose bytes begin somewhere in their buffer is read from there.
    const shifted = new Uint8Array(3 + encodeFlo(flow).length)
    shifted.set(encodeFlo(flow), 3)
    expect(decodeFlo(shifted.subarray(3)).flow).toEqual(flow)
  })
})

describe('KITTI PNG', () => {
  it('has 16 bits, (R - 32768) / 64, (G - 32768) / 64 and B for known', async () => {
    const png = await encodeKittiFlow(flow, known)
    const raw = await sharp(png).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer()
    const values = new Uint16Array(raw.buffer, raw.byteOffset, raw.byteLength / 2)
    expect([...values.subarray(6, 12)]).toEqual([32768 - 100.125 * 64, 32768 + 77 * 64, 1, 0, 0, 0])
  })

  it('brings vectors back to 1/64 px', async () => {
    const read = await decodeKittiFlow(await encodeKittiFlow(flow, known))
    expect(read).toEqual({ flow: { ...flow, data: flow.data }, known })
    const odd: Flow = { width: 1, height: 1, data: Float32Array.of(0.3, -0.3) }
    const { data } = (await decodeKittiFlow(await encodeKittiFlow(odd))).flow
    expect([...data]).toEqual([19 / 64, -19 / 64])
  })

  it('calls unknown what it cannot hold', async () => {
    const far: Flow = { width: 2, height: 1, data: Float32Array.of(513, 0, 1, 1) }
    expect([...(await decodeKittiFlow(await encodeKittiFlow(far))).known]).toEqual([0, 1])
  })

  it('refuses pictures of 8 bits', async () => {
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#123' } })
      .png()
      .toBuffer()
    await expect(decodeKittiFlow(png)).rejects.toThrow(RangeError)
  })
})

describe('flow files', () => {
  it('are written and read by their ending', async () => {
    for (const name of ['a.flo', 'b.PNG']) {
      const path = join(folder, name)
      await writeFlow(path, flow, known)
      expect((await readFlow(path)).known).toEqual(known)
    }
  })

  it('that are missing, broken or of another kind are named', async () => {
    await expect(readFlow(join(folder, 'none.flo'))).rejects.toMatchObject({
      code: 'input_missing',
      message: expect.stringContaining('none.flo'),
    })
    writeFileSync(join(folder, 'bad.flo'), 'PIEH')
    writeFileSync(join(folder, 'bad.png'), 'PNG')
    await expect(readFlow(join(folder, 'bad.flo'))).rejects.toMatchObject({ code: 'image_unreadable' })
    await expect(readFlow(join(folder, 'bad.png'))).rejects.toMatchObject({ code: 'image_unreadable' })
    await expect(readFlow(join(folder, 'a.exr'))).rejects.toMatchObject({ code: 'option_invalid' })
  })
})
