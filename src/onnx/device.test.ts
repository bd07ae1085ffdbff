import { existsSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import '../../test/session-host.ts'
import { chooseDevice, deviceStates } from './device.ts'

test('the CPU needs no test and gives no warning', async () => {
  expect(await chooseDevice('cpu')).toEqual({ device: 'cpu', warnings: [] })
})

test.each(['cuda', 'directml', 'coreml', 'webgpu'] as const)(
  '%s works here, or one sentence says why the CPU is used',
  async (device) => {
    const choice = await chooseDevice(device, { threads: 1 })
    if (choice.device === device) expect(choice.warnings).toEqual([])
    else {
      expect(choice.device).toBe('cpu')
      expect(choice.warnings).toHaveLength(1)
      expect(choice.warnings[0]).toMatch(/ cannot be used, so the CPU is: \S.*[^.]\.$/)
      expect(choice.warnings[0]).not.toContain('\n')
    }
  },
)

// A graphics card in software, which Debian's Chromium brings along.
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json'
test.skipIf(!existsSync(driver))('WebGPU computes the operators of diffusion models to the numbers of the CPU', async () => {
  vi.stubEnv('VK_ICD_FILENAMES', driver)
  try {
    expect(await chooseDevice('webgpu', { threads: 1 })).toEqual({ device: 'webgpu', warnings: [] })
  } finally {
    vi.unstubAllEnvs()
  }
})

test('auto takes what works and never fails', async () => {
  const { device } = await chooseDevice('auto', { threads: 1 })
  expect(['cpu', 'cuda', 'directml']).toContain(device)
})

test('each platform has its own devices', () => {
  const on = (platform: string, architecture: string, installed: boolean): string[] =>
    deviceStates(platform, architecture, () => installed).flatMap(({ device, available }) => (available ? [device] : []))
  expect(on('linux', 'x64', true)).toEqual(['cpu', 'cuda', 'webgpu'])
  expect(on('linux', 'x64', false)).toEqual(['cpu', 'webgpu'])
  expect(on('linux', 'arm64', true)).toEqual(['cpu', 'webgpu'])
  expect(on('win32', 'x64', true)).toEqual(['cpu', 'directml', 'webgpu'])
  expect(on('darwin', 'arm64', true)).toEqual(['cpu', 'coreml', 'webgpu'])
  for (const { available, missing } of deviceStates('linux', 'x64', () => false)) expect(missing === '').toBe(available)
})
