import { array, assert, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { parseHubName, safePath } from './hub-name.ts'
import { neededFiles } from './needed-files.ts'

const base = ['model_index.json', 'scheduler/scheduler_config.json', 'tokenizer/merges.txt', 'tokenizer/vocab.json']
const rest = [
  'text_encoder/config.json',
  'text_encoder/model.safetensors',
  'vae/config.json',
  'vae/diffusion_pytorch_model.safetensors',
]

test('shards come with their index, in the precision that is asked for', () => {
  const shards = (variant: string): string[] => [
    `unet/diffusion_pytorch_model.safetensors.index${variant}.json`,
    `unet/diffusion_pytorch_model${variant}-00001-of-00002.safetensors`,
    `unet/diffusion_pytorch_model${variant}-00002-of-00002.safetensors`,
  ]
  const all = [...base, ...rest, 'unet/config.json', ...shards(''), ...shards('.fp16')]
  const unetOf = (variant?: 'fp16'): string[] => neededFiles(all, { variant }).files.filter((path) => /^unet.*model/.test(path))
  expect(unetOf()).toEqual(shards(''))
  expect(unetOf('fp16')).toEqual(shards('.fp16'))
  const cut = all.filter((path) => !path.includes('00002-of'))
  expect(neededFiles(cut).missing).toEqual(['unet/diffusion_pytorch_model.safetensors'])
})

test('SDXL has a second text encoder and tokenizer', () => {
  const second = ['text_encoder_2/config.json', 'text_encoder_2/model.fp16.safetensors', 'tokenizer_2/merges.txt']
  const { files, missing } = neededFiles([
    ...base,
    ...rest,
    ...second,
    'unet/config.json',
    'unet/diffusion_pytorch_model.safetensors',
  ])
  expect(missing).toEqual([])
  for (const file of second) expect(files).toContain(file)
})

test('weights that only PyTorch’s own format has are taken in that', () => {
  const { files, missing } = neededFiles([...base, ...rest, 'unet/config.json', 'unet/diffusion_pytorch_model.bin'])
  expect(missing).toEqual([])
  expect(files).toContain('unet/diffusion_pytorch_model.bin')
})

test("text encoders in PyTorch's own format have a name of their own", () => {
  const old = ['text_encoder/config.json', 'text_encoder/pytorch_model.bin', 'text_encoder/flax_model.msgpack']
  const paths = [...base, ...rest].filter((path) => !path.startsWith('text_encoder/'))
  const { files } = neededFiles([...paths, ...old, 'unet/config.json', 'unet/diffusion_pytorch_model.bin'])
  expect(files.filter((file) => file.startsWith('text_encoder/'))).toEqual(old.slice(0, 2))
})

test('what a model lacks is named', () => {
  expect(neededFiles([...base, ...rest]).missing).toEqual(['unet/config.json', 'unet/diffusion_pytorch_model.safetensors'])
  expect(neededFiles(['README.md']).missing).toEqual(['model_index.json'])
  expect(neededFiles(['a.safetensors', 'b.ckpt']).missing[0]).toContain('a.safetensors, b.ckpt')
  expect(neededFiles(['only.ckpt', 'README.md'])).toEqual({ files: ['only.ckpt'], missing: [] })
})

test('never is a file chosen that is not there, nor one twice', () => {
  const part = constantFrom(
    'unet',
    'vae',
    'text_encoder',
    'tokenizer',
    'scheduler',
    'config.json',
    'model.safetensors',
    'merges.txt',
    'model_index.json',
  )
  const path = array(part, { minLength: 1, maxLength: 2 }).map((parts) => parts.join('/'))
  assert(
    property(array(path), (paths) => {
      const { files } = neededFiles(paths)
      expect(files.every((file) => paths.includes(file))).toBe(true)
      expect(new Set(files).size).toBe(files.length)
    }),
  )
})

test.each([
  ['JosephusCheung/ACertainModel', { repo: 'JosephusCheung/ACertainModel', revision: 'main', file: undefined }],
  ['stabilityai/sd-turbo@fp16', { repo: 'stabilityai/sd-turbo', revision: 'fp16', file: undefined }],
  ['a/b.c/d/e.safetensors', { repo: 'a/b.c', revision: 'main', file: 'd/e.safetensors' }],
  ['a/b/e.ckpt@refs/pr/1', { repo: 'a/b', revision: 'refs/pr/1', file: 'e.ckpt' }],
])('%s is a name', (text, name) => {
  expect(parseHubName(text)).toEqual(name)
})

test.each([
  'embedded',
  './a/b',
  '/a/b',
  '../a',
  'a/../b',
  'a/b/c',
  'a\\b',
  'C:/models/x',
  'a/b@../x',
  'https://huggingface.co/a/b',
  '',
  'a/',
  '~/x',
])('"%s" is none', (text) => {
  expect(parseHubName(text)).toBeUndefined()
})

test('no path leads out of the folder it is put in', () => {
  for (const path of ['../a', 'a/../../b', '/etc/passwd', 'a//b', 'C:\\x', 'a\\..\\b', '.', 'a/./b', 'a\0b', ''])
    expect(() => safePath(path), path).toThrow()
  expect(safePath('unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors')).toBeTruthy()
})
