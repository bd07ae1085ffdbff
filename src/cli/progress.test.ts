import { expect, test } from 'vitest'
import { clock, showProgress } from './progress.ts'

test.each([
  [0, '0:00'],
  [75, '1:15'],
  [3700, '1:01:40'],
])('%d seconds read %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text)
})

function record(isTTY: boolean): {
  text: () => string
  handle: ReturnType<typeof showProgress>
  tick: (seconds: number) => void
} {
  let written = ''
  let time = 0
  const stream = { isTTY, columns: 120, write: (text: string) => (written += text) }
  return { text: () => written, handle: showProgress(stream, () => time), tick: (seconds) => (time += seconds) }
}

const frame = (index: number, kept = false) =>
  ({ type: 'frame', frame: index, time: index / 12, kept, seconds: 2, evaluations: 10 }) as const

test('time left is what the frames painted in this run took, without the first, which waits for the model', () => {
  const { text, handle, tick } = record(true)
  handle({
    type: 'start',
    frames: 10,
    width: 64,
    height: 48,
    output: 'out',
    source: 'a.mp4',
    model: 'm',
    method: 'flow',
    prompt: 'oil',
    resumed: 4,
  })
  handle({ type: 'stage', stage: 'paint', frames: 10 })
  for (let i = 0; i < 4; i++) handle(frame(i, true))
  tick(9)
  handle(frame(4))
  expect(text()).toContain('frame 5/10 · 9.0 s a frame · 0:45 left')
  tick(2)
  handle(frame(5))
  expect(text()).toContain('frame 6/10 · 2.0 s a frame · 0:08 left')
  expect(text()).toContain('4 frames were finished before')
})

test('where there is no terminal, lines are plain and few', () => {
  const { text, handle, tick } = record(false)
  handle({ type: 'stage', stage: 'paint', frames: 100 })
  for (let i = 0; i < 30; i++) {
    tick(1)
    handle(frame(i))
  }
  expect(text()).not.toContain('\u001B')
  expect(text()).not.toContain('\r')
  expect(text().trim().split('\n').length).toBe(4)
})

test('a note does not stay on the line in place', () => {
  const { text, handle } = record(true)
  handle({ type: 'stage', stage: 'paint', frames: 2 })
  handle({ type: 'warning', message: 'the file is cut at frame 7' })
  expect(text()).toContain('\r\u001B[2Knote: the file is cut at frame 7\n')
})

test('a download is shown in place, and where there is no terminal at most every ten seconds', () => {
  const event = (received: number) =>
    ({ type: 'download', model: 'a/b', file: 'unet/x.safetensors', received, size: 2e9 }) as const
  const live = record(true)
  live.handle(event(5e8))
  expect(live.text()).toBe('\r\u001B[2Kdownloading a/b · 0.50 of 2.00 GB (25 %) · unet/x.safetensors')
  live.handle(event(2e9))
  expect(live.text()).toContain('\r\u001B[2Kdownloaded a/b, 2.00 GB\n')
  const plain = record(false)
  for (let i = 0; i < 20; i++) {
    plain.handle(event(i * 1e8))
    plain.tick(1)
  }
  expect(plain.text().trim().split('\n')).toHaveLength(2)
})
