import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addSettings, settingsFrom } from './arguments.ts'

test('settings that may be given several times are collected in order', () => {
  const command = addSettings(new Command()).parse(['--lora', 'a:0.5', '--lora', 'b', '--control', 'canny:x'], { from: 'user' })
  expect(settingsFrom(command.opts())).toMatchObject({ lora: ['a:0.5', 'b'], control: ['canny:x'] })
})
