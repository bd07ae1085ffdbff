import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import '../../../test/session-host.ts'
import { maxDifference, readGolden, writeSafetensors } from '../../../test/safetensors.ts'
import { writeTorchFile } from '../../../test/torch-file.ts'
import { withWords } from '../../prompt/added-words.ts'
import { loadTokenizer } from '../../prompt/tokenizer.ts'
import { openSafetensors } from '../checkpoint/safetensors.ts'
import { readTensor } from '../checkpoint/tensor-file.ts'
import { openModel } from '../open-model.ts'
import { openEmbedding } from './embedding-file.ts'
import { openEmbeddings } from './embedding-set.ts'

const goldens = fileURLToPath(new URL('../../../test/goldens/', import.meta.url))
const folder = `${goldens}tiny-sd15`
const vocabulary = fileURLToPath(new URL('../../../assets/clip-tokenizer', import.meta.url))
const a1111 = `${goldens}lora/embedding-a1111.safetensors`
const diffusers = `${goldens}lora/embedding-diffusers.safetensors`
const golden = readGolden(`${goldens}lora/embedding-golden.safetensors`)
const { token, cases } = JSON.parse(readFileSync(`${goldens}lora/embedding-ids.json`, 'utf8')) as {
  token: string
  cases: { prompt: string; ids: number[] }[]
}
const scratch = mkdtempSync(join(tmpdir(), 'ofgen-embeddings-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
const written = (name: string, tensors: Parameters<typeof writeSafetensors>[1]): string => {
  const path = join(scratch, name)
  writeSafetensors(path, tensors)
  return path
}
const vectors = (...dims: number[]): { dtype: 'F32'; dims: number[]; data: Float32Array } => ({
  dtype: 'F32',
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
})

test('the word becomes all its vectors, the rest is tokenized as usual', async () => {
  const tokenizer = withWords(await loadTokenizer(vocabulary), openEmbeddings([diffusers], [24], 49408).words)
  for (const { prompt, ids } of cases) expect([49406, ...tokenizer.ids(prompt), 49407]).toEqual(ids)
})

test.each([
  ['diffusers', diffusers, token],
  ['A1111', a1111, 'embedding-a1111'],
])('prompts with an embedding in the %s layout give the golden states', async (_, path, word) => {
  const model = await openModel(folder, { embeddings: [path], device: 'cpu' })
  try {
    for (const [i, { prompt }] of cases.entries()) {
      const { data } = await model.embed(prompt.replaceAll(token, word))
      expect(maxDifference(data, golden(`case${i}.last_hidden_state`).data as Float32Array), prompt).toBeLessThan(5e-5)
    }
  } finally {
    await model.close()
  }
})

test("a vector that is a token's own gives exactly what the token gives, and other content another hash", async () => {
  const file = openSafetensors(`${folder}/text_encoder/model.safetensors`)
  const table = readTensor(file, 'text_model.embeddings.token_embedding.weight')
  const cat = (await loadTokenizer(vocabulary)).ids('cat')[0]!
  const path = written('feline.safetensors', {
    emb_params: { dtype: 'F32', dims: [1, 24], data: table.slice(cat * 24, (cat + 1) * 24) },
  })
  const [plain, model] = [
    await openModel(folder, { device: 'cpu' }),
    await openModel(folder, { embeddings: [path], device: 'cpu' }),
  ]
  try {
    const [theirs, ours, other] = [await plain.embed('a cat'), await model.embed('a feline'), await plain.embed('a feline')]
    expect(ours.data).toEqual(theirs.data)
    expect(other.data).not.toEqual(theirs.data)
    expect((await model.embed('a dog')).data).toEqual((await plain.embed('a dog')).data)
    expect(model.hash).not.toBe(plain.hash)
  } finally {
    await plain.close()
    await model.close()
  }
})

describe('files', () => {
  test("SDXL's have vectors for both encoders", () => {
    const path = written('both.safetensors', { clip_l: vectors(2, 8), clip_g: vectors(2, 12) })
    expect(openEmbedding(path)).toMatchObject({ words: ['both'], count: 2 })
    const { rows, words } = openEmbeddings(
      [path, written('more.safetensors', { clip_l: vectors(1, 8), clip_g: vectors(1, 12) })],
      [8, 12],
      100,
    )
    expect(rows.map((part) => part!.length)).toEqual([24, 36])
    expect(words).toEqual(
      new Map([
        ['both', [100, 101]],
        ['more', [102]],
      ]),
    )
  })

  test("older ones are PyTorch's, with the vectors under string_to_param", () => {
    const path = join(scratch, 'old.pt')
    writeTorchFile(path, { 'string_to_param.*': vectors(2, 24) })
    expect(openEmbedding(path)).toMatchObject({ words: ['old'], count: 2, parts: [{ width: 24, data: vectors(2, 24).data }] })
  })

  test.each([
    ['uneven', { clip_l: vectors(2, 8), clip_g: vectors(3, 12) }, 'its two encoders have 2 and 3 vectors'],
    ['deep', { emb_params: vectors(1, 2, 24) }, '"emb_params" is [1, 2, 24], not vectors'],
    [
      'lora',
      { 'a.lora_up.weight': vectors(2, 2), 'a.lora_down.weight': vectors(2, 2) },
      'it has 2 tensors (a.lora_up.weight, a.lora_down.weight)',
    ],
    ['nan', { emb_params: { dtype: 'F32', dims: [1, 2], data: Float32Array.of(1, NaN) } }, 'values that are no numbers'],
  ] as const)('%s is refused', (name, tensors, message) => {
    expect(() => openEmbedding(written(`${name}.safetensors`, tensors))).toThrow(message)
  })

  test('of a folder only what fits is taken, and the rest is told', () => {
    const inner = mkdtempSync(join(scratch, 'folder-'))
    const put = (name: string, tensors: Parameters<typeof writeSafetensors>[1]): void =>
      writeSafetensors(join(inner, name), tensors)
    put('b.safetensors', { emb_params: vectors(1, 24) })
    put('a.safetensors', { emb_params: vectors(2, 24) })
    put('wide.safetensors', { emb_params: vectors(2, 768) })
    put('other.safetensors', { x: vectors(1), y: vectors(1) })
    const set = openEmbeddings([inner], [24], 10)
    expect([...set.words]).toEqual([
      ['a', [10, 11]],
      ['b', [12]],
    ])
    expect(set.warnings).toEqual([
      `2 of 4 embeddings in ${inner} do not fit this model and were left out (other.safetensors, wide.safetensors).`,
    ])
  })

  test('one of another family, and a word that is there twice, are refused', () => {
    const path = written('wide.safetensors', { emb_params: vectors(2, 768) })
    expect(() => openEmbeddings([path], [24], 0)).toThrow("its vectors are 768 wide (Stable Diffusion 1), the model's 24")
    expect(() => openEmbeddings([a1111, a1111], [24], 0)).toThrow('Two embeddings have the word "embedding-a1111"')
  })
})
