import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { createDis, type DisPreset } from '../src/flow/dis.ts'
import { readFlow } from '../src/flow/flow-file.ts'
import { luma } from '../src/image/color.ts'
import type { Frame } from '../src/image/frame.ts'
import { endPointError, movingTexture } from '../test/moving-texture.ts'

// node bench/run.mjs flow [FOLDER] [--python PYTHON]
// Accuracy of DIS on four Middlebury pairs and one of KITTI, if FOLDER (or OFGEN_FLOW_PAIRS, or ../shared/flow) has them, against the listed
// figures of OpenCV's DIS, medium; then CPU time a pair. With a PYTHON that has cv2, OpenCV's own time in the same run.

/** Mean end-point error in pixels of OpenCV's DIS, medium. */
const listed = { RubberWhale: 0.222, Grove2: 0.317, Urban2: 0.65, Venus: 0.39, kitti: 38.2 }
const presets: readonly DisPreset[] = ['fast', 'medium', 'fine']
const timedSize = { width: 768, height: 512 }

async function frameOf(path: string, size?: { width: number; height: number }): Promise<Frame> {
  const picture = sharp(path).removeAlpha().toColourspace('srgb')
  if (size) picture.resize(size.width, size.height, { fit: 'fill' })
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}

async function accuracy(folder: string): Promise<void> {
  console.log(['pair'.padEnd(12), 'OpenCV', ...presets.map((preset) => preset.padStart(14))].join('  '))
  const products = presets.map(() => 1)
  const worst = presets.map(() => 0)
  for (const [name, reference] of Object.entries(listed)) {
    const [first, second, truthFile] =
      name === 'kitti' ? ['frame1.png', 'frame2.png', 'flow_gt.png'] : ['frame10.png', 'frame11.png', 'flow10.flo']
    const from = await frameOf(join(folder, name, first))
    const to = await frameOf(join(folder, name, second))
    const truth = await readFlow(join(folder, name, truthFile))
    const cells = presets.map((preset, k) => {
      const flow = createDis(preset)(luma(from.data), luma(to.data), from.width, from.height)
      const error = endPointError(flow, truth.flow, truth.known)
      const ratio = error / reference
      products[k] = products[k]! * ratio
      worst[k] = Math.max(worst[k]!, ratio)
      return `${error.toFixed(3)} (${ratio.toFixed(3)})`.padStart(14)
    })
    console.log([name.padEnd(12), reference.toFixed(3).padStart(6), ...cells].join('  '))
  }
  const means = products.map((product) => product ** (1 / Object.keys(listed).length))
  console.log(['geometric mean of ratios', ...means.map((mean) => mean.toFixed(3))].join('  '))
  console.log(['worst ratio', ...worst.map((ratio) => ratio.toFixed(3))].join('  '))
}

function cost(from: Frame, to: Frame): void {
  const [a, b] = [luma(from.data), luma(to.data)]
  for (const preset of presets) {
    const dis = createDis(preset)
    for (let n = 0; n < 3; n++) dis(a, b, from.width, from.height)
    const start = process.cpuUsage()
    for (let n = 0; n < 10; n++) dis(a, b, from.width, from.height)
    const { user, system } = process.cpuUsage(start)
    console.log(
      `DIS ${preset}: ${((user + system) / 1e4).toFixed(1)} CPU-ms a pair of ${from.width}x${from.height}, one direction`,
    )
  }
}

const openCvScript = `
import sys, time, cv2, numpy as np
cv2.setNumThreads(1)
w, h = int(sys.argv[1]), int(sys.argv[2])
a, b = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(2, h, w)
for name in ('fast', 'medium'):
    dis = cv2.DISOpticalFlow_create(getattr(cv2, 'DISOPTICAL_FLOW_PRESET_' + name.upper()))
    for _ in range(3): dis.calc(a, b, None)
    start = time.process_time()
    for _ in range(10): dis.calc(a, b, None)
    print(f'OpenCV {cv2.__version__} DIS {name}: {(time.process_time() - start) * 100:.1f} CPU-ms, one thread')
`

function openCvCost(python: string, from: Frame, to: Frame): void {
  const input = Buffer.concat([Uint8Array.from(luma(from.data), Math.round), Uint8Array.from(luma(to.data), Math.round)])
  process.stdout.write(execFileSync(python, ['-c', openCvScript, `${from.width}`, `${from.height}`], { input }))
}

const words = process.argv.slice(2)
const flag = words.indexOf('--python')
const python = flag >= 0 ? words.splice(flag, 2)[1] : undefined
const folder = words[0] ?? process.env['OFGEN_FLOW_PAIRS'] ?? '../shared/flow'
let pair: { from: Frame; to: Frame }
if (existsSync(folder)) {
  await accuracy(folder)
  const load = (name: string): Promise<Frame> => frameOf(join(folder, 'Grove2', name), timedSize)
  pair = { from: await load('frame10.png'), to: await load('frame11.png') }
} else {
  console.log(`No pairs in ${folder}: cost only, on a procedural texture.`)
  pair = movingTexture(timedSize.width, timedSize.height, (x, y) => [3 + 2 * Math.sin(y / 50), 2 * Math.cos(x / 70)])
}
cost(pair.from, pair.to)
if (python !== undefined) openCvCost(python, pair.from, pair.to)
