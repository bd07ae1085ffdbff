import { OfgenError } from '../../errors.ts'

// A reader of Python's pickle format that runs nothing. A pickle is a program for a small stack machine; the ones that call
// functions are told apart by the names of what they call. Here a call of a known name makes a plain record, of any other
// name ends the reading.

/** What a pickle holds. Sets, tuples and lists are all lists; dictionaries are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleObject

/** A function or class by its name, the record of a call, or something that lies outside of the pickle. */
export type PickleObject =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly PickleValue[] }
  | { readonly kind: 'outside'; readonly id: PickleValue }

export interface PickleOptions {
  /** Named in errors. */
  readonly path: string
  /** Whether a function or class may occur, as `module.name`. */
  readonly known: (name: string) => boolean
  /** Where in `bytes` to begin. */
  readonly start?: number
}

/**
 * Reads one pickle (protocols 0 to 5, without what only runs code needs).
 *
 * @returns Its value, and the position behind it.
 * @throws OfgenError model_invalid naming the opcode or name that is not accepted, or the place of the damage.
 * @see https://docs.python.org/3/library/pickletools.html
 */
export function readPickle(bytes: Uint8Array, { path, known, start = 0 }: PickleOptions): { value: PickleValue; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const stack: PickleValue[] = []
  const marks: number[] = []
  const memo = new Map<number, PickleValue>()
  let at = start

  const fail = (what: string): OfgenError =>
    new OfgenError('model_invalid', `${path} ${what} (byte ${at} of its pickle).`, {
      hint: 'Take the .safetensors file of the model if there is one, or convert it where you trust it.',
    })
  const take = (count: number): number => {
    if (!(count >= 0) || at + count > bytes.length) throw fail('has a damaged pickle: it ends within a value')
    at += count
    return at - count
  }
  const block = (length: number): Uint8Array => bytes.subarray(take(length), at)
  const text = (length: number): string => new TextDecoder('utf-8').decode(block(length))
  const line = (): string => {
    const end = bytes.indexOf(10, at)
    if (end < 0) throw fail('has a damaged pickle: a line has no end')
    const content = text(end - at)
    at++
    return content
  }
  const long = (length: number): number | bigint => {
    if (length > 64) throw fail(`has a whole number of ${length} bytes`)
    let value = 0n
    const content = block(length)
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(content[i]!)
    if (length > 0 && content[length - 1]! >= 128) value -= 1n << BigInt(8 * length)
    return Number.isSafeInteger(Number(value)) ? Number(value) : value
  }
  const u32 = (): number => view.getUint32(take(4), true)
  const u64 = (): number => Number(view.getBigUint64(take(8), true))
  const pop = (): PickleValue => {
    if (stack.length === 0 || stack.length === marks.at(-1)) throw fail('has a damaged pickle: its stack runs empty')
    return stack.pop()!
  }
  const top = (): PickleValue => {
    if (stack.length === 0) throw fail('has a damaged pickle: its stack is empty')
    return stack.at(-1)!
  }
  const popMark = (): PickleValue[] => {
    const mark = marks.pop()
    if (mark === undefined) throw fail('has a damaged pickle: a mark is missing')
    return stack.splice(mark)
  }
  const listAt = (): PickleValue[] => {
    const list = top()
    if (!Array.isArray(list)) throw fail('has a damaged pickle: it appends to what is no list')
    return list
  }
  const fill = (pairs: readonly PickleValue[]): void => {
    const target = top()
    if (pairs.length % 2 !== 0) throw fail('has a damaged pickle: a dictionary has a key without a value')
    // Items of objects that are only recorded are let go.
    if (!(target instanceof Map)) {
      if (isObject(target)) return
      throw fail('has a damaged pickle: it sets items of what is no dictionary')
    }
    for (let i = 0; i < pairs.length; i += 2) target.set(pairs[i]!, pairs[i + 1]!)
  }
  const named = (name: string): PickleObject => {
    if (!known(name)) throw fail(`wants to use "${name}", which is not accepted in a file of weights`)
    return { kind: 'name', name }
  }
  const call = (callee: PickleValue, args: PickleValue): PickleValue => {
    if (!isObject(callee) || callee.kind !== 'name' || !Array.isArray(args))
      throw fail('wants to call something that is not accepted in a file of weights')
    if (callee.name === 'collections.OrderedDict') {
      const pairs = args[0]
      return new Map(Array.isArray(pairs) ? pairs.filter(isPair) : [])
    }
    return { kind: 'call', name: callee.name, args }
  }
  const remember = (key: number): void => void memo.set(key, top())
  const recall = (key: number): void => {
    const value = memo.get(key)
    if (value === undefined) throw fail('has a damaged pickle: it recalls what it never stored')
    stack.push(value)
  }

  for (;;) {
    const code = bytes[take(1)]!
    switch (code) {
      case 0x80: // PROTO
        if (bytes[take(1)]! > 5) throw fail(`has a pickle of protocol ${bytes[at - 1]}; accepted are 0 to 5`)
        break
      case 0x95: // FRAME
        take(8)
        break
      case 0x28: // MARK
        marks.push(stack.length)
        break
      case 0x2e: // STOP
        return { value: pop(), end: at }
      case 0x30: // POP
        pop()
        break
      case 0x31: // POP_MARK
        popMark()
        break
      case 0x32: // DUP
        stack.push(top())
        break
      case 0x4e: // NONE
        stack.push(null)
        break
      case 0x88: // NEWTRUE
        stack.push(true)
        break
      case 0x89: // NEWFALSE
        stack.push(false)
        break
      case 0x49: // INT
      case 0x4c: {
        // LONG
        const content = line().replace(/L$/, '')
        if (!/^[+-]?\d{1,40}$/.test(content)) throw fail('has a damaged pickle: a number is none')
        stack.push(code === 0x49 && (content === '00' || content === '01') ? content === '01' : Number(content))
        break
      }
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true))
        break
      case 0x4b: // BININT1
        stack.push(bytes[take(1)]!)
        break
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true))
        break
      case 0x8a: // LONG1
        stack.push(long(bytes[take(1)]!))
        break
      case 0x8b: // LONG4
        stack.push(long(u32()))
        break
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false))
        break
      case 0x46: // FLOAT
        stack.push(Number(line()))
        break
      case 0x54: // BINSTRING
      case 0x58: // BINUNICODE
        stack.push(text(u32()))
        break
      case 0x55: // SHORT_BINSTRING
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(bytes[take(1)]!))
        break
      case 0x8d: // BINUNICODE8
        stack.push(text(u64()))
        break
      case 0x56: // UNICODE
        stack.push(line())
        break
      case 0x53: // STRING
        stack.push(line().replace(/^(['"])(.*)\1$/, '$2'))
        break
      case 0x42: // BINBYTES
        stack.push(block(u32()))
        break
      case 0x43: // SHORT_BINBYTES
        stack.push(block(bytes[take(1)]!))
        break
      case 0x8e: // BINBYTES8
        stack.push(block(u64()))
        break
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        stack.push([])
        break
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        stack.push(popMark())
        break
      case 0x61: {
        // APPEND
        const item = pop()
        listAt().push(item)
        break
      }
      case 0x65: // APPENDS
      case 0x90: {
        // ADDITEMS
        const items = popMark()
        const list = listAt()
        for (const item of items) list.push(item)
        break
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: {
        // TUPLE3
        const items: PickleValue[] = []
        for (let i = 0x84; i < code; i++) items.unshift(pop())
        stack.push(items)
        break
      }
      case 0x7d: // EMPTY_DICT
        stack.push(new Map())
        break
      case 0x64: {
        // DICT
        const pairs = popMark()
        stack.push(new Map())
        fill(pairs)
        break
      }
      case 0x73: {
        // SETITEM
        const value = pop()
        const key = pop()
        fill([key, value])
        break
      }
      case 0x75: // SETITEMS
        fill(popMark())
        break
      case 0x63: {
        // GLOBAL
        const module = line()
        stack.push(named(`${module}.${line()}`))
        break
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop()
        const module = pop()
        if (typeof name !== 'string' || typeof module !== 'string') throw fail('has a damaged pickle: a name is no text')
        stack.push(named(`${module}.${name}`))
        break
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = pop()
        stack.push(call(pop(), args))
        break
      }
      case 0x62: // BUILD: the state of an object that is only recorded, or a dictionary's attributes
        pop()
        top()
        break
      case 0x51: // BINPERSID
        stack.push({ kind: 'outside', id: pop() })
        break
      case 0x70: // PUT
        remember(Number(line()))
        break
      case 0x71: // BINPUT
        remember(bytes[take(1)]!)
        break
      case 0x72: // LONG_BINPUT
        remember(u32())
        break
      case 0x94: // MEMOIZE
        remember(memo.size)
        break
      case 0x67: // GET
        recall(Number(line()))
        break
      case 0x68: // BINGET
        recall(bytes[take(1)]!)
        break
      case 0x6a: // LONG_BINGET
        recall(u32())
        break
      default:
        throw fail(`has the pickle opcode ${opcodeName(code)}, which is not accepted in a file of weights`)
    }
  }
}

/** Opcodes that exist and are refused. */
const refused: Readonly<Record<number, string>> = {
  0x50: 'PERSID',
  0x69: 'INST',
  0x6f: 'OBJ',
  0x82: 'EXT1',
  0x83: 'EXT2',
  0x84: 'EXT4',
  0x92: 'NEWOBJ_EX',
  0x96: 'BYTEARRAY8',
  0x97: 'NEXT_BUFFER',
  0x98: 'READONLY_BUFFER',
}

function opcodeName(code: number): string {
  return refused[code] ?? `0x${code.toString(16).padStart(2, '0')}`
}

function isObject(value: PickleValue): value is PickleObject {
  return typeof value === 'object' && value !== null && 'kind' in value
}

function isPair(value: PickleValue): value is [PickleValue, PickleValue] {
  return Array.isArray(value) && value.length === 2
}
