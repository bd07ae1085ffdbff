/** A picture: RGB, 8 bits a channel, sRGB, row-major. `data` has `height * width * 3` bytes. */
export interface Frame {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** A picture in floats, row-major `[height * width * 3]`, 0..1 where not said otherwise; nothing is clamped or rounded. */
export interface FloatImage {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** One value a pixel, row-major `[height * width]`: a grey picture, a weight, a mask. The range is said where it is used. */
export interface Plane {
  readonly width: number
  readonly height: number
  readonly data: Float32Array
}

/** An all-black frame. @throws RangeError unless both sides are positive integers. */
export function blankFrame(width: number, height: number): Frame {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new RangeError(`A frame needs positive whole sides, got ${width}x${height}.`)
  return { width, height, data: new Uint8Array(width * height * 3) }
}

/** 8-bit to 0..1. */
export function toFloatImage(frame: Frame): FloatImage {
  const data = new Float32Array(frame.data.length)
  for (let i = 0; i < data.length; i++) data[i] = frame.data[i]! / 255
  return { width: frame.width, height: frame.height, data }
}

/** 0..1 to 8-bit: clamped, rounded to nearest. */
export function toFrame(image: FloatImage): Frame {
  const data = new Uint8Array(image.data.length)
  for (let i = 0; i < data.length; i++) {
    const value = image.data[i]!
    data[i] = value <= 0 ? 0 : value >= 1 ? 255 : Math.floor(value * 255 + 0.5)
  }
  return { width: image.width, height: image.height, data }
}
