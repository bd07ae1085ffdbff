import { startThreads } from '../threads.ts'
import type { AnalysisRequest, AnalysisWork } from './analysis-worker.ts'

/**
 * What is worked out of flows and pictures while the network paints, on threads of its own: the calling thread passes the network's answers
 * on, and each moment that it computes itself is one in which the network waits. Flows and pictures made here lie in memory that the threads
 * share.
 */
export type Analysis = {
  readonly [Name in keyof AnalysisWork]: (...args: Parameters<AnalysisWork[Name]>) => Promise<ReturnType<AnalysisWork[Name]>>
} & { close(): Promise<void> }

/** Two threads: what a frame waits for does not stand behind what is prepared for later. OFGEN_ANALYSIS_WORKER names another script. */
export function startAnalysis(signal?: AbortSignal): Analysis {
  const threads = startThreads<AnalysisRequest, never>({
    name: 'analysis',
    script: process.env['OFGEN_ANALYSIS_WORKER'] ?? new URL('./analysis-worker.js', import.meta.url),
    most: 2,
    waiting: 64,
  })
  const ask =
    <Name extends keyof AnalysisWork>(name: Name): Analysis[Name] =>
    (...args: readonly unknown[]) =>
      threads.ask({ name, args }, signal)
  return {
    withSoft: ask('withSoft'),
    motionFromFlows: ask('motionFromFlows'),
    extendWay: ask('extendWay'),
    turnedWay: ask('turnedWay'),
    smoothAlong: ask('smoothAlong'),
    predictFromPrevious: ask('predictFromPrevious'),
    predictFromAnchors: ask('predictFromAnchors'),
    fillFromPrevious: ask('fillFromPrevious'),
    controlMap: ask('controlMap'),
    close: () => threads.close(),
  }
}
