import { controlMap } from '../control/control-map.ts'
import { motionFromFlows } from '../flow/motion.ts'
import { withSoft } from '../flow/reliability.ts'
import { extendWay, turnedWay } from '../flow/way.ts'
import { predictFromPrevious } from '../guidance/prediction.ts'
import { smoothAlong } from '../guidance/smooth-along.ts'
import { fillFromPrevious, predictFromAnchors } from '../guidance/two-sided.ts'
import { answerRequests } from '../thread-side.ts'

// The thread behind `analysis.ts`.

const work = {
  withSoft,
  motionFromFlows,
  extendWay,
  turnedWay,
  predictFromPrevious,
  predictFromAnchors,
  fillFromPrevious,
  smoothAlong,
  controlMap,
}
export type AnalysisWork = typeof work

export interface AnalysisRequest {
  readonly name: keyof AnalysisWork
  readonly args: readonly unknown[]
}

answerRequests((request) => {
  const { name, args } = request as AnalysisRequest
  return (work[name] as (...args: readonly unknown[]) => unknown)(...args)
})
