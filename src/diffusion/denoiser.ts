/**
 * A latent picture, `[channels * height * width]` of one frame, in the scale the model's scheduler works in
 * (autoencoder output times its scaling factor). While it is noisy it is kept in the variance-exploding scaling:
 * x = x0 + sigma * epsilon.
 */
export type Latent = Float32Array

/** The sides that a flat `Latent` has. */
export interface LatentShape {
  readonly channels: number
  readonly height: number
  readonly width: number
}

/**
 * Predicts the clean latent x0 from a noisy one (VE scaling: x = x0 + sigma * epsilon). Whatever steers an image
 * wraps a denoiser and returns another: classifier-free guidance, flow guidance, masked repainting.
 */
export type Denoiser = (x: Latent, sigma: number, signal?: AbortSignal) => Promise<Latent>

export interface SampleOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each denoising with its predicted clean latent: the preview. */
  readonly onStep?: ((step: number, x0: Latent, sigma: number) => void) | undefined
  /**
   * Fresh standard normals for a step, as many as the latent has values. Only samplers that add noise ask for them, and
   * those need it; some draw twice a step, `draw` 0 and then 1.
   */
  readonly noise?: ((step: number, draw: number) => Float32Array) | undefined
}

/**
 * A sampler: walks `x` down `sigmas` (descending) and returns the latent at the last of them, divided by
 * sqrt(1 + last^2), that is in the model's own (variance-preserving) scaling; with a last sigma of 0 that changes nothing.
 */
export type Sampler = (denoise: Denoiser, x: Latent, sigmas: readonly number[], options?: SampleOptions) => Promise<Latent>
