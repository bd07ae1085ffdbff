import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fakeHub } from '../../test/fake-hub.ts'
import '../../test/session-host.ts'
import { openModel } from '../stable-diffusion/open-model.ts'
import { findModel } from './find-model.ts'

const tiny = fileURLToPath(new URL('../../test/goldens/tiny-sd15', import.meta.url))

test('a model by its name on the hub opens as the folder it was made of does', async () => {
  const files = (readdirSync(tiny, { recursive: true }) as string[])
    .filter((name) => statSync(join(tiny, name)).isFile() && !name.startsWith('golden'))
    .map((name) => [relative('.', name).replaceAll('\\', '/'), readFileSync(join(tiny, name))] as const)
  const hub = await fakeHub('someone/tiny', Object.fromEntries(files))
  const home = mkdtempSync(join(tmpdir(), 'ofgen-by-name-'))
  try {
    const path = await findModel('someone/tiny', { environment: { HF_ENDPOINT: hub.endpoint, HF_HOME: home } })
    const [named, local] = await Promise.all([path, tiny].map((where) => openModel(where, { cache: false, lowMemory: true })))
    try {
      expect(named!.family).toBe(local!.family)
      const [a, b] = await Promise.all([named!, local!].map((model) => model.embed('a lighthouse')))
      expect(a!.data).toEqual(b!.data)
    } finally {
      await named!.close()
      await local!.close()
    }
  } finally {
    await hub.close()
    rmSync(home, { recursive: true })
  }
})
