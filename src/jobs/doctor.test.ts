import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import '../../test/session-host.ts'
import { doctor, memoryFinding, nodeFinding, type Finding } from './doctor.ts'

async function findings(options: Parameters<typeof doctor>[0] = {}): Promise<Map<string, Finding>> {
  const found = new Map<string, Finding>()
  for await (const finding of doctor(options)) found.set(finding.topic, finding)
  return found
}

test('every part of the machine is looked at; what is missing says what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ofgen-doctor-'))
  writeFileSync(join(folder, 'file'), '')
  vi.stubEnv('OFGEN_CACHE', folder)
  try {
    const all = await findings({ modelsDir: folder })
    for (const topic of [
      'node',
      'system',
      'processor',
      'memory',
      'runtime',
      'device cpu',
      'ffmpeg',
      'cache',
      'Hugging Face',
      'models',
    ])
      expect(all.has(topic), topic).toBe(true)
    expect(all.get('device cpu')).toMatchObject({ state: 'good' })
    expect(all.get('cache')!.text).toContain(join(folder, 'graphs'))
    for (const { text, hint } of all.values()) expect(`${text}${hint ?? ''}`).not.toContain('\n')

    vi.stubEnv('OFGEN_CACHE', join(folder, 'file'))
    const other = await findings({ ffmpeg: join(folder, 'no-ffmpeg') })
    expect(other.get('cache')).toMatchObject({ state: 'note', hint: expect.stringContaining('OFGEN_CACHE') as unknown })
    expect(other.get('ffmpeg')).toMatchObject({ state: 'problem', hint: expect.stringMatching(/\S/) as unknown })
  } finally {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  }
})

test('an old Node is a problem, little memory a note', () => {
  expect(['20.18.3', '18.0.0', '20.19.0', '22.1.0'].map((version) => nodeFinding(version).state)).toEqual([
    'problem',
    'problem',
    'good',
    'good',
  ])
  expect([4e9, 8e9, 32e9].map((total) => memoryFinding(total, 1e9).state)).toEqual(['note', 'good', 'good'])
})
