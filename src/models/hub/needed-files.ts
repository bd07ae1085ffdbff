/** Files of a repository that a model needs, and what it lacks. */
export interface NeededFiles {
  readonly files: readonly string[]
  /** What is expected and not there, for messages; empty for a whole model. */
  readonly missing: readonly string[]
}

export interface NeededOptions {
  /** Prefer files in half precision. */
  readonly variant?: 'fp16' | undefined
}

const networks: Readonly<Record<string, string>> = {
  unet: 'diffusion_pytorch_model',
  vae: 'diffusion_pytorch_model',
  text_encoder: 'model',
  text_encoder_2: 'model',
}
const others =
  /^(tokenizer|tokenizer_2)\/(vocab\.json|merges\.txt|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json)$/
const single = /^[^/]+\.(safetensors|ckpt)$/

/**
 * What of a repository is fetched: of a diffusers layout the configs and one set of weights of each network; elsewhere the
 * only checkpoint file. Nothing else is looked at: no pictures, no other precisions, no safety checker.
 */
export function neededFiles(paths: readonly string[], { variant }: NeededOptions = {}): NeededFiles {
  const all = new Set(paths)
  if (!all.has('model_index.json') && !paths.some((path) => path.startsWith('unet/'))) {
    const checkpoints = paths.filter((path) => single.test(path))
    const [only] = checkpoints
    if (checkpoints.length === 1) return { files: [only!], missing: [] }
    const some = checkpoints.slice(0, 6).join(', ')
    const found = checkpoints.length === 0 ? '' : ` or the name of one of its files behind it: ${some}`
    return { files: [], missing: [`model_index.json${found}`] }
  }
  const files = ['model_index.json', 'scheduler/scheduler_config.json', 'ofgen.json'].filter((path) => all.has(path))
  const missing = all.has('scheduler/scheduler_config.json') ? [] : ['scheduler/scheduler_config.json']
  files.push(...paths.filter((path) => others.test(path)))
  for (const [folder, stem] of Object.entries(networks)) {
    const inside = paths.filter((path) => path.startsWith(`${folder}/`))
    if (inside.length === 0 && folder === 'text_encoder_2') continue
    const config = `${folder}/config.json`
    const weights = weightsIn(
      inside.map((path) => path.slice(folder.length + 1)),
      stem,
      variant,
    )
    if (all.has(config)) files.push(config)
    else missing.push(config)
    if (weights === undefined) missing.push(`${folder}/${stem}.safetensors`)
    else files.push(...weights.map((name) => `${folder}/${name}`))
  }
  return { files: [...new Set(files)], missing }
}

/** One set of weights: whole, or an index with its shards; safetensors before bin. */
function weightsIn(names: readonly string[], first: string, variant: 'fp16' | undefined): string[] | undefined {
  const has = (name: string): boolean => names.includes(name)
  for (const [stem, ending] of [
    [first, 'safetensors'],
    // transformers names text encoders so.
    [first === 'model' ? 'pytorch_model' : first, 'bin'],
  ] as const)
    for (const part of variant === 'fp16' ? ['.fp16', ''] : ['', '.fp16']) {
      const whole = `${stem}${part}.${ending}`
      if (has(whole)) return [whole]
      for (const index of [`${stem}.${ending}.index${part}.json`, `${stem}${part}.${ending}.index.json`]) {
        if (!has(index)) continue
        const shard = new RegExp(`^${stem}(${part.replace('.', '\\.')})?-\\d+-of-\\d+(${part.replace('.', '\\.')})?\\.${ending}$`)
        const shards = names.filter((name) => shard.test(name) && (part === '' || name.includes(part)))
        if (shards.length === Number(/-of-(\d+)/.exec(shards[0] ?? '')?.[1] ?? -1)) return [index, ...shards]
      }
    }
  return undefined
}
