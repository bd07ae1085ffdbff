/**
 * ofgen as a library. Everything the command line does is a call of {@link render}; its parts are exported beside it.
 *
 * @module
 */
export { render, renderSource, type RenderOptions, type RenderResult, type RenderSourceOptions } from './jobs/render.ts'
export { listSettings, parseSettings, settingsSchema, type Settings, type SettingsInput, type SettingShape } from './settings.ts'
export { OfgenError, type ErrorCode } from './errors.ts'

export { animate, type AnimateOptions, type AnimateResult, type AnimateSettings } from './animate/animate.ts'
export type { FrameEvent, FrameRecord, RenderEvent, Stage } from './animate/events.ts'
export { parsePromptFile, type FramePlace, type PromptFileOptions, type PromptPlan } from './animate/prompt-file.ts'
export type { FramePrompt } from './animate/frame-prompt.ts'
export { MemoryFrameStore, type FrameStore } from './animate/frame-store.ts'

export { blankFrame, toFloatImage, toFrame, type FloatImage, type Frame, type Plane } from './image/frame.ts'
export { readPng, writePng } from './image/png.ts'

export { openSource, type OpenSourceOptions } from './video/open-source.ts'
export { openVideoSink, type VideoSink, type VideoSinkOptions } from './video/ffmpeg/video-sink.ts'
export { fitSize, fitted } from './video/fit.ts'
export type { FrameRange, FrameSource, TimedFrame, VideoInfo } from './video/frame-source.ts'
export type { FrameSink } from './video/frame-sink.ts'

export { flowWorkers, type FlowWorkersOptions } from './flow/flow-workers.ts'
export { disEstimator } from './flow/dis.ts'
export { farnebackEstimator } from './flow/farneback.ts'
export { estimateMotion, type Motion } from './flow/motion.ts'
export type { Flow, FlowEstimator } from './flow/flow.ts'
export { warpFrame, warpImage, warpPlane, type WarpKernel } from './flow/warp.ts'

export { escapeEmphasis, parseEmphasis, type WeightedText } from './prompt/emphasis.ts'
export { parseEdits, type PromptEdits } from './prompt/prompt-edits.ts'
export { extractLoras, type LoraTag } from './prompt/lora-tags.ts'
export { openModel, type OpenModelOptions } from './stable-diffusion/open-model.ts'
export { openTokenizer } from './stable-diffusion/open-tokenizer.ts'
export type { Tokenizer } from './prompt/tokenizer.ts'
export {
  inspectCheckpoint,
  type InspectedPart,
  type Inspection,
  type InspectOptions,
} from './stable-diffusion/inspect-checkpoint.ts'
export type { Conditioning, ControlHint, DiffusionModel, Embedding, ModelDefaults } from './stable-diffusion/diffusion-model.ts'
export type { LoraChoice } from './stable-diffusion/lora/lora-set.ts'
export { controlKinds, controlMap, type ControlKind } from './control/control-map.ts'
export type { FrameControl } from './animate/frame-controls.ts'
export { embeddedModelPath, findModel, locateModel, type FindModelOptions } from './models/find-model.ts'
export type { DownloadEvent } from './models/hub/fetch-model.ts'
export { listModels, type FoundModel } from './models/models-dir.ts'
export { chooseDevice, type Device, type DeviceChoice, type DeviceWish } from './onnx/device.ts'
export { openGraphCache, type GraphCache, type GraphCacheEntry, type GraphCacheOptions } from './onnx/graph-cache.ts'
export { doctor, type DoctorOptions, type Finding } from './jobs/doctor.ts'
export type { NoiseSchedule } from './diffusion/noise-schedule.ts'
export { Random } from './random.ts'
export type { Denoiser, Latent, LatentShape, SampleOptions, Sampler } from './diffusion/denoiser.ts'
export { parseSampler, samplerByName, samplerNames, type NamedSampler } from './diffusion/samplers/sampler-by-name.ts'
export { noiseSteps, sigmaSpacings, type NoiseSteps, type SigmaSpacing, type StepRequest } from './diffusion/spacing.ts'
export { guideTowards, type Weight } from './guidance/guide.ts'
export { referenceSchedule, type GuidanceSchedule, type ScheduleMotion } from './guidance/guidance-schedule.ts'
export { flowSchedule } from './guidance/flow-schedule.ts'

export { measure, type MeasureOptions } from './measure/measure.ts'
export type { Measures, VideoMeasures } from './measure/measures.ts'
export { measureTable } from './measure/measure-table.ts'
export { renderReport, type ReportOptions } from './measure/report.ts'
