import { fstatSync } from 'node:fs'
import { OfgenError } from '../../errors.ts'
import { readPickle, type PickleObject, type PickleValue } from './pickle.ts'
import { readFully, withFile, type TensorEntry, type TensorFile } from './tensor-file.ts'
import { readZipDirectory } from './zip-directory.ts'

/** Storage classes, the dtype they hold in safetensors' words, and bytes of an element. */
const storages: Readonly<Record<string, readonly [dtype: string, bytes: number]>> = {
  FloatStorage: ['F32', 4],
  HalfStorage: ['F16', 2],
  BFloat16Storage: ['BF16', 2],
  DoubleStorage: ['F64', 8],
  LongStorage: ['I64', 8],
  IntStorage: ['I32', 4],
  ShortStorage: ['I16', 2],
  CharStorage: ['I8', 1],
  ByteStorage: ['U8', 1],
  BoolStorage: ['BOOL', 1],
}

/** dtypes that newer files name where older ones have a storage class. */
const dtypes: Readonly<Record<string, readonly [dtype: string, bytes: number]>> = {
  float8_e4m3fn: ['F8_E4M3', 1],
  float8_e5m2: ['F8_E5M2', 1],
  float32: ['F32', 4],
  float16: ['F16', 2],
  bfloat16: ['BF16', 2],
  float64: ['F64', 8],
  int64: ['I64', 8],
}

/** What may be named besides storages: tensors, and harmless leftovers of training that are only recorded. */
const accepted: ReadonlySet<string> = new Set([
  'collections.OrderedDict',
  'torch._utils._rebuild_tensor_v2',
  'torch._utils._rebuild_tensor_v3',
  'torch._utils._rebuild_parameter',
  'torch.Size',
  'torch.device',
  'torch.nn.modules.container.ParameterDict',
  'torch.storage.UntypedStorage',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  'numpy.dtype',
  '_codecs.encode',
  'builtins.set',
  '__builtin__.set',
  'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint',
  'pytorch_lightning.callbacks.early_stopping.EarlyStopping',
])

const known = (name: string): boolean => {
  const torch = /^torch\.(\w+)$/.exec(name)?.[1]
  return accepted.has(name) || (torch !== undefined && (Object.hasOwn(storages, torch) || Object.hasOwn(dtypes, torch)))
}

const pickleLimit = 64 * 1024 * 1024

/** Whether a file begins as PyTorch's do: as a zip archive, or with the mark of the format before version 1.6. */
export function looksLikeTorch(head: Uint8Array): boolean {
  return isZip(head) || isLegacy(head)
}

function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4
}

/** A pickle of the long 0x1950a86a20f9469cfc6c. */
const legacyMark = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]

function isLegacy(head: Uint8Array): boolean {
  return head[0] === 0x80 && legacyMark.every((byte, i) => head[i + 2] === byte)
}

/**
 * Reads the table of contents of a file that `torch.save` wrote (`.ckpt`, `.pt`, `.pth`, `.bin`), without running anything
 * of it; weights stay where they are. Tensors of nested dictionaries are named with points between; where there is a
 * `state_dict`, only what is in it counts.
 *
 * @throws OfgenError model_missing if there is no such file; model_invalid for damage, names and opcodes that files of
 *   weights do not need, and tensors that do not lie in one piece.
 */
export function openTorchFile(path: string): TensorFile {
  return withFile(path, (fd) => {
    const { size } = fstatSync(fd)
    const head = new Uint8Array(Math.min(16, size))
    readFully(fd, head, 0)
    const read = (offset: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length)
      readFully(fd, bytes, offset)
      return bytes
    }
    const { value, storageAt } = isZip(head) ? openZip(path, fd, size, read) : openLegacy(path, size, head, read)
    const root = value instanceof Map && value.get('state_dict') instanceof Map ? value.get('state_dict')! : value
    const tensors = new Map<string, TensorEntry>()
    // A dictionary may hold itself.
    const seen = new Set<PickleValue>()
    collect(root, '')
    if (tensors.size === 0) throw broken(path, 'holds no tensors')
    return { path, size, tensors, metadata: {} }

    function collect(part: PickleValue, name: string): void {
      if (part instanceof Map) {
        if (seen.has(part)) return
        seen.add(part)
        for (const [key, child] of part) {
          if (typeof key === 'string' || typeof key === 'number') collect(child, name === '' ? String(key) : `${name}.${key}`)
        }
      } else if (isCall(part)) {
        const entry = entryOf(path, name, part, storageAt)
        if (entry !== undefined) tensors.set(name, entry)
      }
    }
  })
}

interface Opened {
  readonly value: PickleValue
  /** Where a storage lies and how long it is, undefined if it is not there. */
  readonly storageAt: (key: string) => { readonly offset: number; readonly length: number } | undefined
}

type Read = (offset: number, length: number) => Uint8Array

function openZip(path: string, fd: number, size: number, read: Read): Opened {
  const entries = readZipDirectory(fd, path, size)
  const pickle = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name)) ?? 'data.pkl'
  const place = entries.get(pickle)
  if (place === undefined) throw broken(path, 'is a zip archive without data.pkl: PyTorch did not write it as a file of weights')
  if (place.length > pickleLimit) throw broken(path, `has a pickle of ${place.length} bytes; at most ${pickleLimit} are read`)
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = entries.get(`${folder}byteorder`)
  if (order !== undefined && order.length < 16 && new TextDecoder().decode(read(order.offset, order.length)) === 'big')
    throw broken(path, 'has numbers with the high byte first, which are not read')
  const { value } = readPickle(read(place.offset, place.length), { path, known })
  return { value, storageAt: (key) => entries.get(`${folder}data/${key}`) }
}

/** Before PyTorch 1.6: pickles of a mark, a version, a machine, the content and the keys of the storages, which follow. */
function openLegacy(path: string, size: number, head: Uint8Array, read: Read): Opened {
  if (!isLegacy(head)) throw broken(path, 'does not begin as a file that PyTorch wrote')
  const bytes = read(0, Math.min(size, pickleLimit))
  let at = 0
  const next = (): PickleValue => {
    const { value, end } = readPickle(bytes, { path, known, start: at })
    at = end
    return value
  }
  const [, , machine, value, keys] = [next(), next(), next(), next(), next()]
  if (!(machine instanceof Map) || machine.get('little_endian') !== true || !Array.isArray(keys))
    throw broken(path, 'has numbers with the high byte first, which are not read')
  const widths = new Map<string, number>()
  findStorages(value!, widths)
  const places = new Map<string, { offset: number; length: number }>()
  let offset = at
  for (const key of keys) {
    const width = typeof key === 'string' ? widths.get(key) : undefined
    if (typeof key !== 'string' || width === undefined || offset + 8 > size)
      throw broken(path, 'is truncated or damaged: a storage is missing')
    const count = Number(new DataView(read(offset, 8).buffer).getBigInt64(0, true))
    places.set(key, { offset: offset + 8, length: count * width })
    offset += 8 + count * width
    if (!(count >= 0) || offset > size) throw broken(path, `is truncated: a storage ends at byte ${offset}, the file at ${size}`)
  }
  return { value: value!, storageAt: (key) => places.get(key) }
}

function findStorages(value: PickleValue, widths: Map<string, number>, seen: Set<PickleValue> = new Set()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof Map) for (const child of value.values()) findStorages(child, widths, seen)
  else if (Array.isArray(value)) for (const child of value) findStorages(child, widths, seen)
  else if ('kind' in value && value.kind === 'call') for (const child of value.args) findStorages(child, widths, seen)
  else if ('kind' in value && value.kind === 'outside') {
    const storage = storageOf(value)
    if (storage !== undefined) widths.set(storage.key, storage.bytes)
  }
}

interface Storage {
  readonly key: string
  readonly dtype: string
  /** Bytes of an element. */
  readonly bytes: number
  /** Elements. */
  readonly count: number
}

/** ('storage', class, key, device, count) */
function storageOf(value: PickleValue | undefined): Storage | undefined {
  if (!isOutside(value) || !Array.isArray(value.id)) return undefined
  const [tag, type, key, , count] = value.id
  if (tag !== 'storage' || !isName(type) || typeof key !== 'string' || typeof count !== 'number') return undefined
  // A storage without a type of its own is one of bytes; its tensors name their dtype.
  const [dtype, bytes] = storages[type.name.replace('torch.', '')] ?? ['U8', 1]
  return { key, dtype, bytes, count }
}

function entryOf(
  path: string,
  name: string,
  { name: callee, args }: Extract<PickleObject, { kind: 'call' }>,
  storageAt: Opened['storageAt'],
): TensorEntry | undefined {
  if (callee === 'torch._utils._rebuild_parameter') return isCall(args[0]) ? entryOf(path, name, args[0], storageAt) : undefined
  if (!callee.startsWith('torch._utils._rebuild_tensor')) return undefined
  const storage = storageOf(args[0])
  const [, begin, dims, strides] = args
  if (storage === undefined || !isCounts([begin!]) || !isCounts(dims) || !isCounts(strides) || dims.length !== strides.length)
    throw broken(path, `has a damaged pickle: tensor "${name}" is described wrongly`)
  const named = args[6]
  const typed = callee.endsWith('_v3') && isName(named) ? dtypes[named.name.replace('torch.', '')] : undefined
  if (callee.endsWith('_v3') && typed === undefined) throw broken(path, `has tensor "${name}" of a type that is not known`)
  const [dtype, bytes] = typed ?? [storage.dtype, storage.bytes]
  const count = dims.reduce((product, side) => product * side, 1)
  if (count > 0 && !isContiguous(dims, strides))
    throw broken(path, `has tensor "${name}" that does not lie in one piece (strides ${strides.join(', ')})`)
  const place = storageAt(storage.key)
  if (place === undefined) throw broken(path, `is damaged: the storage of tensor "${name}" is missing`)
  const offset = place.offset + (begin as number) * bytes
  if (!Number.isSafeInteger(count * bytes) || offset + count * bytes > place.offset + place.length)
    throw broken(path, `is damaged: tensor "${name}" reaches beyond its storage`)
  return { dtype, dims, offset, length: count * bytes }
}

function isContiguous(dims: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let i = dims.length - 1; i >= 0; i--) {
    if (dims[i] !== 1 && strides[i] !== expected) return false
    expected *= dims[i]!
  }
  return true
}

function isCounts(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0)
}

function isCall(value: PickleValue | undefined): value is Extract<PickleObject, { kind: 'call' }> {
  return hasKind(value) && value.kind === 'call'
}

function isName(value: PickleValue | undefined): value is Extract<PickleObject, { kind: 'name' }> {
  return hasKind(value) && value.kind === 'name'
}

function isOutside(value: PickleValue | undefined): value is Extract<PickleObject, { kind: 'outside' }> {
  return hasKind(value) && value.kind === 'outside'
}

function hasKind(value: PickleValue | undefined): value is PickleObject {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function broken(path: string, what: string): OfgenError {
  return new OfgenError('model_invalid', `${path} ${what}.`, {
    hint: 'Take the .safetensors file of the model if there is one, or fetch the file again.',
  })
}
