/** The kinds of Stable Diffusion that differ in their text encoders and in what they were trained at. */
export type Family = 'sd1' | 'sd2' | 'sdxl'

interface FamilyFacts {
  readonly title: string
  /** What the autoencoder's latents are multiplied by. */
  readonly scalingFactor: number
  /** Picture area in pixels the published models are at home with. */
  readonly area: number
  /** "Clip skip" of the last layer that the text encoder has as it is published; SD 2's leaves the very last one out. */
  readonly lastLayer: number
  /** "Clip skip" that the family was trained with. */
  readonly clipSkip: number
  /** Whether the final norm is applied to the prompt's states. */
  readonly normed: boolean
}

export const families: Readonly<Record<Family, FamilyFacts>> = {
  sd1: { title: 'Stable Diffusion 1', scalingFactor: 0.18215, area: 512 * 512, lastLayer: 1, clipSkip: 1, normed: true },
  sd2: { title: 'Stable Diffusion 2', scalingFactor: 0.18215, area: 768 * 768, lastLayer: 2, clipSkip: 2, normed: true },
  sdxl: { title: 'Stable Diffusion XL', scalingFactor: 0.13025, area: 1024 * 1024, lastLayer: 1, clipSkip: 2, normed: false },
}
