import { demoClip } from '../demo/clip.ts'
import { renderSource } from '../jobs/render.ts'
import { parseSettings, parseSize } from '../settings.ts'
import { remembered } from '../video/remembered.ts'
import { settingsFrom } from './arguments.ts'
import { runEvents, type RunContext } from './run-events.ts'

/** `ofgen demo`: the built-in dancer in a style, with its comparison and report. */
export function demoCommand(context: RunContext): (options: Record<string, unknown>) => Promise<void> {
  return async (options) => {
    const given = settingsFrom(options)
    const settings = parseSettings({ style: 'anime', steps: 5, compare: true, ...given })
    const source = remembered(demoClip(settings.size === undefined ? {} : parseSize(settings.size)))
    const output = options['output'] as string
    await runEvents(
      renderSource({
        source,
        name: 'dancer',
        audio: undefined,
        output,
        settings,
        version: context.version,
        signal: context.signal,
      }),
      context,
    )
  }
}
