import { warpImage } from '../flow/warp.ts'
import type { Way } from '../flow/way.ts'
import { blurPlane } from '../image/blur.ts'
import { mixSharply } from './mix.ts'
import type { FloatImage, Plane } from '../image/frame.ts'

/** A finished frame seen from another one: the way from there to it, and the picture itself. */
export interface Anchor {
  /** From the frame that is wanted to the anchor, with how far it is to be believed. */
  readonly way: Pick<Way, 'flow' | 'trust'>
  /** The anchor's result, 0..1. */
  readonly image: FloatImage
}

/** What anchors say about a frame. */
export interface SidedPrediction {
  /** The anchors' pictures, moved and mixed; where none is believed, the one that is believed most. */
  readonly image: FloatImage
  /** How far the prediction may be kept, 0 (to be painted) to 1. */
  readonly coverage: Plane
}

/** Trust below which a moved pixel is not used, and above which it is taken whole. */
const trustBegins = 0.25
const trustEnds = 0.6
/** Holes narrower than this many pixels each way are not worth painting: flow is no better than that at edges. */
const speck = 2
/** Pixels by which what is kept shrinks around the other holes, and the feather of its rim. */
const erosion = 2
const feather = 1.5

/**
 * Predicts a frame from finished ones before and after it: each is moved once, along the composed flow, straight from its own pixels. They
 * are mixed by trust and by nearness in time, so that the picture passes from one to the other without a jump; what the mixing takes from
 * the fine drawing, where the two do not agree, is given back.
 *
 * @param anchors One or two, with their nearness 0..1 (1: the wanted frame is the anchor itself).
 */
export function predictFromAnchors(anchors: readonly (Anchor & { readonly nearness: number })[]): SidedPrediction {
  const { width, height } = anchors[0]!.image
  const count = width * height
  const moved = anchors.map(({ image, way }) => warpImage(image, way.flow, 'lanczos3'))
  const shares = anchors.map(() => new Float32Array(count))
  const covered = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    let sum = 0
    let most = 0
    for (let a = 0; a < anchors.length; a++) {
      const { way, nearness } = anchors[a]!
      const trust = way.trust.data[i]!
      const kept = believed(trust)
      if (kept > most) most = kept
      // The small term decides where nothing is believed.
      const weight = (kept + 1e-4 * (trust + 1e-3)) * (nearness + 1e-3)
      shares[a]![i] = weight
      sum += weight
    }
    for (let a = 0; a < anchors.length; a++) shares[a]![i] = shares[a]![i]! / sum
    covered[i] = most
  }
  return {
    image: moved.length === 1 ? moved[0]! : mixSharply(moved, shares),
    coverage: softened({ width, height, data: covered }),
  }
}

/**
 * Fills what a prediction leaves open with the finished frame before, where the motion between the two is to be believed: what one frame had
 * painted there, the next goes on with. Nothing that is kept anyway changes.
 *
 * @param previous Result of the frame before, 0..1. @param step The flow current -> previous with its trust.
 */
export function fillFromPrevious(
  { image, coverage }: SidedPrediction,
  previous: FloatImage,
  step: Pick<Way, 'flow' | 'trust'>,
): SidedPrediction {
  const { width, height } = image
  if (coverage.data.every((kept) => kept === 1)) return { image, coverage }
  const moved = warpImage(previous, step.flow, 'lanczos3').data
  const filled = softened({ width, height, data: step.trust.data.map(believed) }).data
  const data = Float32Array.from(image.data)
  const kept = Float32Array.from(coverage.data)
  for (let i = 0; i < kept.length; i++) {
    const share = (1 - kept[i]!) * filled[i]!
    if (share === 0) continue
    for (let c = 3 * i; c < 3 * i + 3; c++) data[c] = data[c]! + share * (moved[c]! - data[c]!)
    kept[i] = kept[i]! + share
  }
  return { image: { width, height, data }, coverage: { width, height, data: kept } }
}

/** How far a moved pixel is used, 0..1, for its trust 0..1. */
export function believed(trust: number): number {
  const t = Math.min(1, Math.max(0, (trust - trustBegins) / (trustEnds - trustBegins)))
  return t * t * (3 - 2 * t)
}

/** Fills specks, shrinks what is kept around the holes that are left, and gives it a soft rim that stays inside. */
function softened(coverage: Plane): Plane {
  const whole = eroded(inverted(eroded(inverted(coverage), speck)), speck)
  const shrunk = eroded(whole, erosion)
  const blurred = blurPlane(shrunk, feather).data
  const data = blurred.map((value, i) => Math.min(value, whole.data[i]!))
  return { ...coverage, data }
}

function inverted(plane: Plane): Plane {
  return { ...plane, data: plane.data.map((value) => 1 - value) }
}

/** The least value within `radius` pixels, squares. */
export function eroded({ width, height, data }: Plane, radius: number): Plane {
  const rows = Float32Array.from(data)
  for (let k = -radius; k <= radius; k++)
    for (let y = 0; y < height; y++) {
      const end = y * width + Math.min(width, width - k)
      for (let i = y * width + Math.max(0, -k); i < end; i++) if (data[i + k]! < rows[i]!) rows[i] = data[i + k]!
    }
  const out = Float32Array.from(rows)
  for (let k = -radius; k <= radius; k++) {
    const end = width * Math.min(height, height - k)
    for (let i = width * Math.max(0, -k); i < end; i++) if (rows[i + k * width]! < out[i]!) out[i] = rows[i + k * width]!
  }
  return { width, height, data: out }
}

/** kept * prediction + (1 - kept) * painted, a pixel. */
export function joinPainted(prediction: FloatImage, coverage: Plane, painted: FloatImage): FloatImage {
  const data = new Float32Array(painted.data.length)
  for (let i = 0; i < coverage.data.length; i++) {
    const kept = coverage.data[i]!
    for (let c = 0; c < 3; c++) data[3 * i + c] = kept * prediction.data[3 * i + c]! + (1 - kept) * painted.data[3 * i + c]!
  }
  return { ...painted, data }
}
