import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { locateVae } from './choose-vae.ts'

const folder = mkdtempSync(join(tmpdir(), 'ofgen-vae-'))
afterAll(() => rmSync(folder, { recursive: true }))
const put = (name: string): string => {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, '')
  return path
}
const model = put('models/anime.safetensors')
const plain = put('models/vae/ft-mse.safetensors')
const tiny = put('models/vae_approx/taesd_decoder.pth')

async function located(name: string): Promise<string> {
  const search = locateVae(name, { model, environment: { HF_HUB_CACHE: join(folder, 'hub'), HF_HUB_OFFLINE: '1' } })
  for (;;) {
    const next = await search.next()
    if (next.done === true) return next.value
  }
}

test('autoencoders are found by path, by name beside the model, and the tiny one by its own name', async () => {
  expect(await located(plain)).toBe(plain)
  expect(await located('ft-mse')).toBe(plain)
  expect(await located('taesd')).toBe(tiny)
  expect(await located('taesd_decoder')).toBe(tiny)
})

test('a tiny one that is not there is looked for where its maker keeps it', async () => {
  await expect(located('taesdxl')).rejects.toThrow('madebyollin/taesdxl')
  await expect(located('none')).rejects.toMatchObject({ code: 'model_missing' })
})
