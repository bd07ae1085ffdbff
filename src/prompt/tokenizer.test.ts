import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'

const clipFolder = 'assets/clip-tokenizer'

interface Golden {
  readonly prompts: readonly { readonly prompt: string; readonly ids: readonly number[]; readonly untruncated_length: number }[]
}

describe('the CLIP tokenizer', () => {
  let tokenizer: Tokenizer
  let golden: Golden
  beforeAll(async () => {
    tokenizer = await loadTokenizer(clipFolder)
    golden = JSON.parse(await readFile('test/goldens/clip-tokens.json', 'utf8')) as Golden
  })

  it('gives the ids of the reference for 120 prompts', () => {
    expect(golden.prompts).toHaveLength(120)
    for (const { prompt, ids, untruncated_length } of golden.prompts) {
      const padded = [...ids, ...Array.from({ length: 77 - ids.length }, () => 49407)]
      expect([...tokenizer.encode(prompt)], prompt).toEqual(padded)
      expect(tokenizer.ids(prompt).length + 2, prompt).toBe(untruncated_length)
    }
  })

  it('takes lower case letter by letter, as the reference does: a sigma at the end is not the final one', () => {
    expect(tokenizer.ids('ΟΔΟΣ')).toEqual(tokenizer.ids('οδοσ'))
  })

  it('gives padding for an empty text', () => {
    expect([...tokenizer.encode('').subarray(0, 3)]).toEqual([49406, 49407, 49407])
  })
})

describe('tokenizer folders', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ofgen-tokenizer-'))
  })
  afterAll(async () => rm(dir, { recursive: true }))

  it('reads the embedded model, whose vocabulary is its own', async () => {
    const mini = await loadTokenizer('assets/mini-sd/tokenizer')
    expect([mini.bos, mini.eos, mini.pad, mini.length]).toEqual([2712, 2713, 2713, 77])
    expect(mini.ids('masterpiece, best quality, anime, cel shading')).toEqual([1207, 267, 1100, 1078, 267, 1227, 267, 1228, 1229])
    expect(mini.ids('worst quality, low quality, normal quality')).toEqual([1215, 1078, 267, 626, 1078, 267, 1092, 1078])
  })

  it('pads with what the special tokens say, the map before the configuration', async () => {
    const folder = join(dir, 'sd2')
    await cp(clipFolder, folder, { recursive: true })
    await writeFile(join(folder, 'special_tokens_map.json'), '{"pad_token": {"content": "!"}}')
    const tokenizer = await loadTokenizer(folder)
    expect(tokenizer.pad).toBe(0)
    expect([...tokenizer.encode('a!').subarray(0, 6)]).toEqual([49406, 320, 256, 49407, 0, 0])
  })

  it('reads a tokenizer.json instead of vocab.json and merges.txt', async () => {
    const folder = join(dir, 'one-file')
    await cp(clipFolder, folder, { recursive: true })
    const vocab = JSON.parse(await readFile(join(folder, 'vocab.json'), 'utf8')) as unknown
    const merges = (await readFile(join(folder, 'merges.txt'), 'utf8')).trimEnd().split('\n').slice(1)
    await Promise.all(['vocab.json', 'merges.txt', 'special_tokens_map.json'].map(async (name) => rm(join(folder, name))))
    await writeFile(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ model: { vocab, merges: merges.map((pair) => pair.split(' ')) } }),
    )
    const [one, two] = await Promise.all([loadTokenizer(folder), loadTokenizer(clipFolder)])
    expect(one.encode('a fox in the snow')).toEqual(two.encode('a fox in the snow'))
  })

  it('says what is missing or damaged', async () => {
    await expect(loadTokenizer(join(dir, 'nothing'))).rejects.toMatchObject({ code: 'model_missing' })
    const folder = join(dir, 'damaged')
    await cp('assets/mini-sd/tokenizer', folder, { recursive: true })
    await writeFile(join(folder, 'special_tokens_map.json'), '{"pad_token": "<pad>"}')
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('<pad>') as string,
    })
    await writeFile(join(folder, 'vocab.json'), '{"a": "b"}')
    await expect(loadTokenizer(folder)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining('vocab.json') as string,
    })
  })
})
