import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import '../../test/session-host.ts'
import { chooseDevice } from '../onnx/device.ts'
import { Random } from '../random.ts'
import type { DiffusionModel } from './diffusion-model.ts'
import { openModel } from './open-model.ts'

// A whole checkpoint on WebGPU without a graphics card: on SwiftShader, which Debian's Chromium brings along. Compiling its
// shaders takes a minute or more, so it is only run when it is asked for: OFGEN_TEST_WEBGPU=1. device.test.ts always runs the
// operators it is made of.

const driver = process.env['VK_ICD_FILENAMES'] ?? '/usr/lib/chromium/vk_swiftshader_icd.json'
const folder = fileURLToPath(new URL('../../test/goldens/tiny-sd15', import.meta.url))
const models: DiffusionModel[] = []
afterAll(() => Promise.all(models.map((model) => model.close())))

test.skipIf(!existsSync(driver) || !process.env['OFGEN_TEST_WEBGPU'])(
  'on WebGPU a checkpoint gives what it gives on the CPU',
  async () => {
    process.env['VK_ICD_FILENAMES'] = driver
    expect(await chooseDevice('webgpu')).toEqual({ device: 'webgpu', warnings: [] })
    const run = async (device: 'cpu' | 'webgpu'): Promise<Float32Array[]> => {
      const model = await openModel(folder, { device, cache: false })
      models.push(model)
      const [positive, negative] = [await model.embed('a harbour at night'), await model.embed('')]
      const picture = {
        width: 32,
        height: 32,
        data: Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => 0.5 + Math.sin(i / 50) / 2),
      }
      const latent = await model.encode(picture)
      const side = 32 / model.scale
      const shape = { channels: model.latentChannels, height: side, width: side }
      const noisy = new Random(1).normals(latent.length).map((value, i) => latent[i]! + 2 * value)
      const x0 = await model.denoiser({ positive, negative, cfgScale: 1, shape })(noisy, 2)
      return [positive.data, latent, x0, (await model.decode(latent, shape)).data as Float32Array]
    }
    const [cpu, gpu] = [await run('cpu'), await run('webgpu')]
    for (const [i, what] of ['prompt', 'encoded', 'denoised', 'decoded'].entries()) {
      const size = Math.max(...cpu[i]!.map(Math.abs))
      expect(maxDifference(cpu[i]!, gpu[i]!) / size, what).toBeLessThan(1e-2)
    }
  },
  600_000,
)
