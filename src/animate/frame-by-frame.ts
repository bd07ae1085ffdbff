import { flowLength } from '../flow/motion.ts'
import { scheduleMotion } from '../guidance/guidance-schedule.ts'
import { guideTowards } from '../guidance/guide.ts'
import { negatedFlow } from '../guidance/prediction.ts'
import { scheduledWeight } from '../guidance/scheduled-weight.ts'
import { toFloatImage, type FloatImage, type Frame } from '../image/frame.ts'
import { contentKey } from './content-key.ts'
import type { FootageFrame } from './footage.ts'
import type { PaintWatch } from './painter.ts'
import { beginShot, createPaintNoise, keepOrPaint, promptOf, type AnimateRun, type PaintNoise } from './run.ts'

/**
 * Paints every frame from its source, drawn to the result before it moved along the flow: methods `previous` and `reference`, and with no
 * guidance `none`.
 */
export async function frameByFrame(run: AnimateRun, footage: AsyncIterable<FootageFrame>): Promise<void> {
  const noiseOf = createPaintNoise(run)
  let previous: { readonly image: Frame; readonly key: string } | undefined
  for await (const item of footage) {
    beginShot(run, item)
    const noise = noiseOf(item)
    const guide = run.settings.method === 'none' || item.motion === undefined ? undefined : previous
    const key = contentKey(...run.identity, promptOf(run, item), item.hash, noise.key, guide?.key ?? null)
    const image = await keepOrPaint(run, item, key, (watch) => paintFrame(run, item, noise, guide?.image, watch))
    previous = { image, key }
  }
}

async function paintFrame(
  run: AnimateRun,
  item: FootageFrame,
  noise: PaintNoise,
  guide: Frame | undefined,
  watch: PaintWatch,
): Promise<{ image: FloatImage; painted: number }> {
  const { painter, analysis, settings, weights, signal, onDebug } = run
  const { frame, motion } = item
  const reference = settings.method === 'reference'
  const [source, controls, prediction] = await Promise.all([
    painter.encode(frame.image, signal),
    run.controlsOf(item),
    guide === undefined || motion === undefined
      ? undefined
      : analysis.predictFromPrevious(toFloatImage(guide), reference ? negatedFlow(motion.forward) : motion.backward, {
          sharpen: reference,
        }),
  ])
  const request = { source, prompt: promptOf(run, item), controls, noise: noise.start, stepNoise: noise.step, signal, watch }
  if (prediction === undefined || motion === undefined)
    return { image: await painter.decode(await painter.paint(request), { signal }), painted: 1 }

  const k0 = await painter.encode(prediction, signal)
  const judged = reference ? { distance: flowLength(motion.forward) } : motion
  const weight = scheduledWeight(weights, scheduleMotion(judged, settings.strength), painter.run, painter.shape)
  if (onDebug !== undefined) {
    await onDebug('raw', frame.index, { image: frame.image })
    await onDebug('warped', frame.index, { image: prediction })
    await onDebug('flow', frame.index, { flow: motion.backward })
    const w = weight(painter.run.sigmas[0]!)
    const { width, height } = painter.shape
    const data = typeof w === 'number' ? new Float32Array(width * height).fill(w) : w
    await onDebug('weight', frame.index, { plane: { width, height, data } })
  }
  const latent = await painter.paint({ ...request, steer: (denoise) => guideTowards(k0, weight, denoise) })
  return { image: await painter.decode(latent, { signal }), painted: 1 }
}
