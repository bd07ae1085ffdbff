import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openSafetensors } from '../src/stable-diffusion/checkpoint/safetensors.ts'
import type { TensorFile } from '../src/stable-diffusion/checkpoint/tensor-file.ts'
import { toHalf, writeSafetensors, type TensorToWrite } from './safetensors.ts'

// The miniatures exist in two layouts with the same numbers, of which one is kept. What belongs to what was found by
// comparing the bytes of both as diffusers' own converter wrote them; it is listed in `single-file.json`.

type Row = readonly [name: string, dtype: 'F16' | 'F32' | 'I64' | 'I32', dims: readonly number[], ...places: Place[]]
type Place = readonly [component: string, name: string, how?: 'transposed']

const contents = new Map<string, Buffer>()

const rowsOf = (goldens: string): Row[] => JSON.parse(readFileSync(join(goldens, 'single-file.json'), 'utf8')) as Row[]

const stem = (component: string): string => (component.startsWith('text') ? 'model' : 'diffusion_pytorch_model')

/** Writes a miniature that is kept as a folder as one file, entries that a loader must step over included. */
export function writeSingleFile(folder: string, path: string, write: typeof writeSafetensors = writeSafetensors): void {
  const files = new Map<string, TensorFile>()
  const tensors: Record<string, TensorToWrite> = {}
  for (const [name, dtype, dims, place] of rowsOf(folder)) {
    const count = dims.reduce((product, side) => product * side, 1)
    if (place === undefined) {
      tensors[name] = { dtype, dims, data: new Uint8Array(count * { F16: 2, F32: 4, I64: 8, I32: 4 }[dtype]) }
      continue
    }
    const [component, theirs] = place
    const file = files.get(component) ?? openSafetensors(join(folder, component, `${stem(component)}.safetensors`))
    files.set(component, file)
    tensors[name] = { dtype, dims, data: asType(bytesOf(file, theirs), file.tensors.get(theirs)!.dtype, dtype) }
  }
  write(path, tensors)
}

/** Writes a miniature that is kept as one file as a diffusers folder: its weights, beside a copy of its configs. */
export function writeFolder(goldens: string, single: string, target: string): void {
  cpSync(goldens, target, { recursive: true, filter: (path) => !/^golden|single-file/.test(basename(path)) })
  const file = openSafetensors(single)
  const components: Record<string, Record<string, TensorToWrite>> = {}
  for (const [name, dtype, dims, ...places] of rowsOf(goldens)) {
    const bytes = bytesOf(file, name)
    for (const [i, [component, theirs, how]] of places.entries()) {
      const length = bytes.length / places.length
      const part = bytes.slice(i * length, (i + 1) * length)
      const [rows = 1, columns = 1] = dims
      const halves = new Uint16Array(part.buffer, part.byteOffset, part.length / 2)
      const turned = Uint16Array.from(halves, (_, j) => halves[(j % rows) * columns + Math.floor(j / rows)]!)
      const sides = places.length === 1 ? dims : [rows / places.length, ...dims.slice(1)]
      const flat = /attentions.*to_|proj_(in|out)/.test(theirs) && component === 'vae' ? sides.slice(0, 2) : sides
      ;(components[component] ??= {})[theirs] =
        how === 'transposed' ? { dtype, dims: [columns, rows], data: turned } : { dtype, dims: flat, data: part }
    }
  }
  for (const [component, tensors] of Object.entries(components)) {
    mkdirSync(join(target, component), { recursive: true })
    writeSafetensors(join(target, component, `${stem(component)}.safetensors`), tensors)
  }
}

function bytesOf(file: TensorFile, name: string): Uint8Array {
  const { offset, length } = file.tensors.get(name)!
  const content = contents.get(file.path) ?? readFileSync(file.path)
  contents.set(file.path, content)
  return new Uint8Array(content.subarray(offset, offset + length))
}

function asType(bytes: Uint8Array, from: string, to: string): Uint8Array {
  if (from === to) return bytes
  if (from !== 'F32' || to !== 'F16') throw new Error(`${from} is not rewritten as ${to}.`)
  return new Uint8Array(toHalf(new Float32Array(bytes.slice().buffer)).buffer)
}
