/**
 * Seeded random numbers that are the same on every machine: xoshiro128** (Blackman, Vigna 2018) seeded by splitmix32,
 * normals by the Box-Muller transform (both of a pair are used).
 */
export class Random {
  private s0: number
  private s1: number
  private s2: number
  private s3: number
  private spare: number | undefined

  /** @param seeds Any numbers; equal lists give equal sequences, lists that differ anywhere give unrelated ones. */
  constructor(...seeds: readonly number[]) {
    let state = 0x9e3779b9 ^ seeds.length
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0
      let z = state ^ (state >>> 16)
      z = Math.imul(z, 0x21f0aaad)
      z ^= z >>> 15
      z = Math.imul(z, 0x735a2d97)
      return (z ^ (z >>> 15)) >>> 0
    }
    for (const seed of seeds) {
      state ^= seed >>> 0
      state = next() ^ Math.imul(Math.floor(seed / 2 ** 32) >>> 0, 0x85ebca6b)
    }
    this.s0 = next()
    this.s1 = next()
    this.s2 = next()
    this.s3 = next() | 1
  }

  /** 32 random bits. */
  bits(): number {
    const x = Math.imul(this.s1, 5)
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0
    const t = this.s1 << 9
    this.s2 ^= this.s0
    this.s3 ^= this.s1
    this.s1 ^= this.s2
    this.s0 ^= this.s3
    this.s2 ^= t
    this.s3 = (this.s3 << 11) | (this.s3 >>> 21)
    return result
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32
  }

  /** Standard normal. */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare
      this.spare = undefined
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()))
    const angle = 2 * Math.PI * this.uniform()
    this.spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  /** `count` standard normals. */
  normals(count: number): Float32Array {
    const out = new Float32Array(count)
    for (let i = 0; i < count; i++) out[i] = this.normal()
    return out
  }
}
