// Writes docs/settings.md from the declarations in src/settings.ts; with --check only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { listSettings } from '../dist/settings.js'

const path = 'docs/settings.md'
const shapes = listSettings()
const accepted = ({ kind, choices, minimum, maximum, meta }) => {
  if (kind === 'choice') return choices.map((choice) => `\`${choice}\``).join(', ')
  if (kind === 'boolean') return 'switch'
  if (kind === 'number') {
    const open = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
    return `${open ? `${minimum} and more` : `${minimum} … ${maximum}`}${meta.unit ? ` ${meta.unit}` : ''}`
  }
  return `\`${meta.placeholder ?? 'TEXT'}\``
}
const lines = [
  '# Settings',
  '',
  'Made by `node scripts/settings-doc.mjs` from `src/settings.ts`. The same names without dashes, in camel case, are the fields of `parseSettings({ … })` in the library.',
]
for (const group of [...new Set(shapes.map(({ meta }) => meta.group))]) {
  lines.push('', `## ${group}`, '', '| option | accepted | default | |', '|---|---|---|---|')
  for (const shape of shapes.filter(({ meta }) => meta.group === group)) {
    const fallback = shape.default === undefined ? (shape.meta.fallback ?? '') : `\`${shape.default}\``
    lines.push(`| \`${shape.flag}\` | ${accepted(shape)} | ${shape.kind === 'boolean' ? 'off' : fallback} | ${shape.meta.description} |`)
  }
}
const text = lines.join('\n') + '\n'
if (process.argv.includes('--check')) {
  const same = readFileSync(path, 'utf8') === text
  if (!same) console.error(`${path} is not what src/settings.ts says; run: node scripts/settings-doc.mjs`)
  process.exitCode = same ? 0 : 1
} else writeFileSync(path, text)
