import { doctor, type Finding } from '../jobs/doctor.ts'
import type { RunContext } from './run-events.ts'

const marks: Readonly<Record<Finding['state'], string>> = { good: 'ok', note: '--', problem: '!!' }

/** `ofgen doctor`: exit code 1 if something keeps ofgen from working. */
export function doctorCommand(context: RunContext): (flags: { ffmpeg?: string; modelsDir?: string }) => Promise<void> {
  return async (flags) => {
    for await (const finding of doctor(flags)) {
      if (finding.state === 'problem') process.exitCode = 1
      process.stdout.write(context.json ? JSON.stringify(finding) + '\n' : findingText(finding))
    }
  }
}

export function findingText({ topic, state, text, hint }: Finding): string {
  const lines = [`${marks[state]}  ${topic.padEnd(16)} ${text}`]
  if (hint !== undefined) lines.push(`${' '.repeat(21)}${hint}`)
  return lines.join('\n') + '\n'
}
