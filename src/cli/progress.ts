import type { FrameEvent, RenderEvent, Stage } from '../animate/events.ts'

/** The part of a terminal that progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const stageNames: Record<Stage, string> = {
  paint: 'painting',
  smooth: 'smoothing',
  unguided: 'painting without guidance, to compare',
  video: 'writing the video',
  measure: 'measuring',
}

/** `75` to `1:15`, `3700` to `1:01:40`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2)
}

/**
 * Shows events to a person: one line in place on a terminal, plain lines elsewhere (a line for a stage, and at most one
 * every ten seconds for frames).
 */
export function showProgress(
  stream: ProgressStream,
  now: () => number = () => performance.now() / 1000,
): (event: RenderEvent) => void {
  const live = stream.isTTY === true
  let stage: Stage = 'paint'
  let stageBegan = now()
  let frames: number | undefined
  let shot = 0
  let step = ''
  let painted = 0
  let kept = 0
  let lastPlain = -Infinity
  let shown = false
  let firstDone = 0

  const clear = (): void => {
    if (live && shown) stream.write('\r\u001B[2K')
    shown = false
  }
  const line = (text: string): void => {
    clear()
    stream.write(text + '\n')
  }
  const status = (): string => {
    const done = painted + kept
    // The first frame waits for the model to load: it is no measure of the others.
    const each = painted === 0 ? undefined : painted === 1 ? now() - stageBegan : (now() - firstDone) / (painted - 1)
    const parts = [stageNames[stage], `frame ${done}${frames === undefined ? '' : `/${frames}`}`]
    if (shot > 0) parts.push(`shot ${shot + 1}`)
    if (step !== '') parts.push(step)
    if (each !== undefined) parts.push(`${each.toFixed(1)} s a frame`)
    if (each !== undefined && frames !== undefined) parts.push(`${clock(each * (frames - done))} left`)
    return parts.join(' · ')
  }
  const inPlace = (): void => {
    if (!live) return
    stream.write('\r\u001B[2K' + status().slice(0, (stream.columns ?? 100) - 1))
    shown = true
  }
  const plain = (event: FrameEvent): void => {
    if (live || event.kept || now() - lastPlain < 10) return
    lastPlain = now()
    stream.write(status() + '\n')
  }

  const download = ({ model, file, received, size }: Extract<RenderEvent, { type: 'download' }>): void => {
    const part = `${gigabytes(received)} of ${gigabytes(size)} GB (${Math.floor((100 * received) / Math.max(1, size))} %)`
    const text = `downloading ${model} · ${part} · ${file}`
    if (received >= size) line(`downloaded ${model}, ${gigabytes(size)} GB`)
    else if (live) {
      stream.write('\r\u001B[2K' + text.slice(0, (stream.columns ?? 100) - 1))
      shown = true
    } else if (now() - lastPlain >= 10) {
      lastPlain = now()
      stream.write(text + '\n')
    }
  }

  return (event) => {
    switch (event.type) {
      case 'start':
        frames = event.frames
        line(`${event.source} → ${event.output}`)
        line(
          [`model ${event.model}`, event.prompt, `${event.width}x${event.height}`, `method ${event.method}`]
            .filter(Boolean)
            .join(', '),
        )
        if (event.resumed > 0) line(`going on: ${event.resumed} frames were finished before`)
        break
      case 'download':
        download(event)
        break
      case 'stage':
        stage = event.stage
        stageBegan = now()
        frames = event.frames ?? frames
        ;[shot, step, painted, kept, lastPlain] = [0, '', 0, 0, -Infinity]
        if (!live) line(stageNames[stage])
        else inPlace()
        break
      case 'shot':
        shot = event.shot
        inPlace()
        break
      case 'step':
        step = `step ${event.step}/${event.steps}`
        inPlace()
        break
      case 'frame':
        if (event.kept) kept++
        else if (++painted === 1) firstDone = now()
        step = ''
        inPlace()
        plain(event)
        break
      case 'warning':
        line(`note: ${event.message}`)
        break
      case 'written':
        line(`${event.what.padEnd(12)} ${event.path}`)
        break
    }
  }
}
