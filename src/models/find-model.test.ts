import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { embeddedModelPath, findModel } from './find-model.ts'
import { listModels } from './models-dir.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ofgen-models-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
function put(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), path)
  }
}
const offline = { environment: { HF_HUB_OFFLINE: '1', HF_HOME: '/nowhere' } }
const find = async (name: string, modelsDir = folder): Promise<string> =>
  (await findModel(name, { modelsDir, ...offline })).slice(folder.length + 1).replaceAll('\\', '/')

test('the folder of A1111: checkpoints by name, with and without ending, in any case, from its folder and its folder of models', async () => {
  const checkpoint = 'models/Stable-diffusion/anime/DreamShaper_8.safetensors'
  put(checkpoint, 'models/Stable-diffusion/old.ckpt', 'models/Lora/dreamshaper_8.safetensors', 'models/VAE/other.safetensors')
  for (const name of ['DreamShaper_8', 'DreamShaper_8.safetensors', 'dreamshaper_8', 'anime/dreamshaper_8'])
    expect(await find(name)).toBe(checkpoint)
  expect(await find('old', join(folder, 'models'))).toBe('models/Stable-diffusion/old.ckpt')
  expect(listModels(folder).map(({ name }) => name)).toEqual(['DreamShaper_8', 'old'])
  await expect(find('other')).rejects.toMatchObject({
    code: 'model_missing',
    hint: expect.stringContaining('DreamShaper_8, old') as unknown,
  })
})

test('the folder of ComfyUI, and a folder of one’s own with diffusers models in it', async () => {
  put('models/checkpoints/sdxl/base.safetensors', 'models/loras/base.safetensors', 'models/controlnet/canny.safetensors')
  expect(await find('base')).toBe('models/checkpoints/sdxl/base.safetensors')
  rmSync(join(folder, 'models'), { recursive: true })
  put('mine/model_index.json', 'mine/unet/diffusion_pytorch_model.safetensors', 'flat.safetensors', 'vae/x.safetensors')
  expect(await find('mine')).toBe('mine')
  expect(await find('flat')).toBe('flat.safetensors')
  expect(listModels(folder)).toMatchObject([
    { name: 'flat', kind: 'file', bytes: 16 },
    {
      name: 'mine',
      kind: 'diffusers folder',
      bytes: 'mine/model_index.json'.length + 'mine/unet/diffusion_pytorch_model.safetensors'.length,
    },
  ])
})

test('a path goes before a name, and embedded before both', async () => {
  put('here.safetensors')
  expect(await findModel(join(folder, 'here.safetensors'))).toBe(join(folder, 'here.safetensors'))
  expect(await findModel('embedded', { modelsDir: folder })).toBe(embeddedModelPath)
})

test('a name with a slash that is nowhere is looked up on the hub; what cannot be one is refused', async () => {
  await expect(findModel('someone/some-model', offline)).rejects.toMatchObject({
    message: expect.stringContaining('HF_HUB_OFFLINE') as unknown,
  })
  await expect(findModel('./someone/some-model', offline)).rejects.toMatchObject({
    code: 'model_missing',
    message: expect.stringContaining('There is no model') as unknown,
  })
  await expect(findModel('x', { modelsDir: join(folder, 'none'), ...offline })).rejects.toMatchObject({ code: 'option_invalid' })
})
