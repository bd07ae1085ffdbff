/** How a model was trained to see noise, and how its steps are spaced. Built from a diffusers `scheduler_config.json`. */
export interface NoiseSchedule {
  readonly predictionType: 'epsilon' | 'v_prediction'
  /** Training timesteps, usually 1000. */
  readonly trainSteps: number
  /** sigma = sqrt((1 - a) / a) of a training timestep; fractional ones are interpolated. */
  sigmaAt(timestep: number): number
  /** The (possibly fractional) timestep of a sigma; exact for sigmas that `sigmaAt` gave for whole timesteps. */
  timestepAt(sigma: number): number
}
