/** A prompt whose words change while a picture is painted. */
export interface PromptEdits {
  /** True where the text is the same at every step. */
  readonly constant: boolean
  /** The text at a whole step from 0, emphasis still in it. */
  textAt(step: number): string
}

/**
 * Reads prompt editing as the A1111 web UI has it: `[from:to:when]`, `[to:when]` (nothing before), `[from::when]` (nothing afterwards),
 * and `[one|other]` (another word at each step, in turn); each may stand in another. `when` with a point is a share of the steps that are
 * run, a whole number the number of steps before the change. Whatever does not have these forms stays as it is, emphasis above all.
 *
 * @param steps Steps that are run.
 * @see https://github.com/AUTOMATIC1111/stable-diffusion-webui/wiki/Features#prompt-editing
 */
export function parseEdits(prompt: string, steps: number): PromptEdits {
  const nodes = parseNodes(prompt, steps)
  const constant = !nodes.some(changes)
  return { constant, textAt: (step) => render(nodes, step) }
}

/** The distinct texts of a prompt over a run, in the order in which they first count. */
export function textsOf(edits: PromptEdits, steps: number): string[] {
  if (edits.constant) return [edits.textAt(0)]
  return [...new Set(Array.from({ length: steps }, (_, step) => edits.textAt(step)))]
}

type Node =
  | string
  | { readonly before: readonly Node[]; readonly after: readonly Node[]; readonly when: number }
  | { readonly options: readonly (readonly Node[])[] }
  | { readonly group: readonly Node[] }

function changes(node: Node): boolean {
  if (typeof node === 'string') return false
  return 'group' in node ? node.group.some(changes) : true
}

function render(nodes: readonly Node[], step: number): string {
  return nodes.map((node) => renderOne(node, step)).join('')
}

function renderOne(node: Node, step: number): string {
  if (typeof node === 'string') return node
  if ('group' in node) return render(node.group, step)
  if ('options' in node) return render(node.options[step % node.options.length]!, step)
  return render(step < node.when ? node.before : node.after, step)
}

/** Brackets deeper in others than this stay text. */
const deepest = 50

function parseNodes(text: string, steps: number, depth = 0): Node[] {
  if (depth > deepest) return [text]
  const ends = closings(text)
  const nodes: Node[] = []
  let plain = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') {
      const end = ends.get(i)
      if (end === undefined) continue
      nodes.push(text.slice(plain, i), bracket(text.slice(i + 1, end), steps, depth + 1))
      i = end
      plain = end + 1
    }
  }
  nodes.push(text.slice(plain))
  return nodes.filter((node) => node !== '')
}

function bracket(inside: string, steps: number, depth: number): Node {
  const parsed = (text: string): Node[] => parseNodes(text, steps, depth)
  const options = splitOutside(inside, '|')
  if (options.length > 1) return { options: options.map(parsed) }
  const parts = splitOutside(inside, ':')
  const when = parts.length === 2 || parts.length === 3 ? whenOf(parts.at(-1)!, steps) : undefined
  if (when === undefined) return { group: ['[', ...parsed(inside), ']'] }
  const [before, after] = parts.length === 3 ? parts : ['', parts[0]]
  return { before: parsed(before!), after: parsed(after!), when }
}

/** The step that the change comes with. */
function whenOf(text: string, steps: number): number | undefined {
  const number = text.trim()
  if (!/^(\d+\.?\d*|\.\d+)$/.test(number)) return undefined
  // A share of the steps may come out a little below the whole number that it means.
  return number.includes('.') ? Math.floor(Number(number) * steps + 1e-6) : Number(number)
}

/** Where each square bracket closes that does. */
function closings(text: string): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const open: number[] = []
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') open.push(i)
    else if (text[i] === ']' && open.length > 0) found.set(open.pop()!, i)
  }
  return found
}

/** Splits where no bracket is open. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!
    if (letter === '\\') i++
    else if (letter === '(' || letter === '[') depth++
    else if (letter === ')' || letter === ']') depth = Math.max(0, depth - 1)
    else if (letter === separator && depth === 0) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  return [...parts, text.slice(from)]
}
