import { OfgenError } from '../errors.ts'
import { render } from '../jobs/render.ts'
import { parseSettings } from '../settings.ts'
import { settingsFrom } from './arguments.ts'
import { runEvents, type RunContext } from './run-events.ts'

/** `ofgen <video> -o <folder>` */
export function renderCommand(
  context: RunContext,
): (video: string | undefined, options: Record<string, unknown>) => Promise<void> {
  return async (video, options) => {
    const given = [video, options['input'] as string | undefined].filter((path) => path !== undefined)
    if (given.length === 0)
      throw new OfgenError('option_invalid', 'No video was given.', {
        hint: 'Try: ofgen clip.mp4 -o out --style watercolor, or: ofgen demo',
      })
    if (given.length > 1 && given[0] !== given[1])
      throw new OfgenError('option_invalid', `Two videos were given: ${given.join(' and ')}.`, { hint: 'Render one at a time.' })
    const output = options['output'] as string | undefined
    if (output === undefined)
      throw new OfgenError('option_invalid', 'No output folder was given.', {
        hint: `Add -o and a folder, for example: ofgen ${given[0]} -o out`,
      })
    const settings = parseSettings(settingsFrom(options))
    await runEvents(render({ input: given[0]!, output, settings, version: context.version, signal: context.signal }), context)
  }
}
