import { Command, InvalidArgumentError, Option } from 'commander'
import { listSettings, type SettingShape, type SettingsInput } from '../settings.ts'

/** The reference script's spelling of the two paths; everything else passes. */
export function normaliseArguments(argv: readonly string[]): string[] {
  const spelling: Record<string, string> = { '--i': '--input', '--o': '--output' }
  return argv.map((argument) => {
    const [name, ...value] = argument.split('=')
    const long = spelling[name!]
    return long === undefined ? argument : [long, ...value].join('=')
  })
}

function optionFor(shape: SettingShape): Option {
  const { meta } = shape
  if (shape.kind === 'boolean') return new Option(shape.flag, meta.description).helpGroup(`${meta.group}:`)
  // No default is given to commander: what was not typed stays absent, so that commands can have defaults of their own.
  const fallback = shape.default === undefined ? meta.fallback : JSON.stringify(shape.default)
  const choices = shape.choices.join('|')
  // Many choices would make the column of flags too wide for everything else.
  const [placeholder, listed] = choices.length > 40 ? ['NAME', ` ${shape.choices.join(', ')}.`] : [choices, '']
  const text = meta.description + listed + (fallback === undefined ? '' : ` (default: ${fallback})`)
  const option = new Option(`${shape.flag} <${meta.placeholder ?? placeholder}>`, text)
  if (shape.kind === 'number')
    option.argParser((value: string) => {
      const number = Number(value)
      if (value.trim() === '' || Number.isNaN(number)) throw new InvalidArgumentError('It must be a number.')
      return number
    })
  if (shape.kind === 'list') option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
  return option.helpGroup(`${meta.group}:`)
}

/** Gives a command one flag for every setting, in their groups. */
export function addSettings(command: Command): Command {
  for (const shape of listSettings()) command.addOption(optionFor(shape))
  return command
}

/** The settings among parsed options; what was not given is absent. */
export function settingsFrom(options: Record<string, unknown>): SettingsInput {
  const given = listSettings()
    .map(({ name }) => [name, options[name]] as const)
    .filter(([, value]) => value !== undefined)
  return Object.fromEntries(given)
}

/** The command that goes on with an interrupted render, for messages. */
export function sameCommand(argv: readonly string[]): string {
  return ['ofgen', ...argv.map((argument) => (/^[\w./:=,-]+$/.test(argument) ? argument : JSON.stringify(argument)))].join(' ')
}
