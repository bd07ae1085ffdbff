import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, cpus } from 'node:os'

let version: string | undefined

/** Version of onnxruntime-node that is installed. */
export function runtimeVersion(): string {
  version ??= (createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string }).version
  return version
}

/** What decides which kernels and weight layouts the runtime takes on this processor: `avx2 avx512f fma`, or its name. */
export function cpuFeatures(): string {
  if (process.platform === 'linux') {
    try {
      const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
      const known = line.split(' ').filter((flag) => /^(sse4|ssse3|avx|fma|f16c|amx|bf16|asimd|sve|sme|i8mm|fphp)/.test(flag))
      if (known.length > 0) return [...new Set(known)].toSorted().join(' ')
    } catch {
      // The processor's name says it less exactly.
    }
  }
  return cpus()[0]?.model ?? arch()
}
