import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { demoClip } from '../src/demo/clip.ts'
import { remembered } from '../src/video/remembered.ts'
import { renderSource } from '../src/jobs/render.ts'
import { parseSettings, type SettingsInput } from '../src/settings.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import type { FrameSource, TimedFrame } from '../src/video/frame-source.ts'

// What a render costs beside the networks, and whether memory grows with the length of a video.
// node bench/run.mjs render [FRAMES]     the demo clip at its own size, then FRAMES small frames (default 210)

const model = await openModel(fileURLToPath(new URL('../../../assets/mini-sd', import.meta.url)))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-bench-'))

/** The demo clip again and again, for `frames` frames. */
function looped(clip: FrameSource, frames: number): FrameSource {
  return {
    ...clip,
    info: { ...clip.info, frameCount: frames },
    async *frames(): AsyncGenerator<TimedFrame, void, undefined> {
      for (let index = 0; index < frames;) {
        for await (const { image } of clip.frames()) {
          if (index === frames) return
          yield { index, time: index / clip.info.frameRate, image }
          index++
        }
      }
    },
  }
}

async function run(name: string, source: FrameSource, input: SettingsInput, onFrame?: (frame: number) => void) {
  const settings = parseSettings({ style: 'oil', format: 'none', ...input })
  const events = renderSource({ source, name, audio: undefined, output: join(folder, name), settings, version: 'bench', model })
  for (;;) {
    const next = await events.next()
    if (next.done) return next.value
    if (next.value.type === 'frame') onFrame?.(next.value.frame)
  }
}

try {
  // Drawing the clip is no part of a render: its frames are kept.
  const clip = remembered(demoClip())
  await run('warm', looped(clip, 2), {})
  for await (const frame of clip.frames()) void frame
  for (const method of ['flow', 'reference', 'none'] as const) {
    const { seconds, engineSeconds, evaluations, frames } = await run(method, looped(clip, 48), { method })
    const beside = (100 * (seconds - engineSeconds)) / seconds
    console.log(
      `${method.padEnd(10)} ${(seconds / frames.length).toFixed(2)} s a frame, ${(evaluations / frames.length).toFixed(1)} evaluations a frame, ` +
        `${beside.toFixed(1)} % of the wall time outside the engine (aim: about 5 %)`,
    )
  }
  const resident = new Map<number, number>()
  const frames = Number(process.argv[2] ?? 210)
  const small = demoClip({ width: 64, height: 96 })
  await run('long', looped(small, frames), { size: '64x96', steps: 2, cfgScale: 1 }, (frame) => {
    if (frame % 20 === 0) resident.set(frame, process.memoryUsage.rss() / 2 ** 20)
  })
  console.log('resident memory by frame, MiB: ' + [...resident].map(([frame, size]) => `${frame}: ${size.toFixed(0)}`).join(', '))
} finally {
  await model.close()
  rmSync(folder, { recursive: true, force: true })
}
