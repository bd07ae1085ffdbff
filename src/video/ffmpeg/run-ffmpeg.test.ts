import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findFfmpeg } from './find-ffmpeg.ts'
import { lastWords, localOnly, type LogLine, parseLogLine, runFfmpeg, startFfmpeg } from './run-ffmpeg.ts'

test('reads level, speaker and text of a log line', () => {
  expect(parseLogLine('[Parsed_showinfo_0 @ 0x55] [info] n:   0 pts:      0')).toEqual({
    from: 'Parsed_showinfo_0',
    level: 'info',
    text: 'n:   0 pts:      0',
  })
  expect(parseLogLine('[error] a.mp4: Invalid data [1] found')).toEqual({
    from: '',
    level: 'error',
    text: 'a.mp4: Invalid data [1] found',
  })
  expect(parseLogLine('To ignore this, add a trailing ?')).toEqual({
    from: '',
    level: 'info',
    text: 'To ignore this, add a trailing ?',
  })
})

test('the last error line is the message, and its exit status stands in where there is none', async () => {
  const { path } = await findFfmpeg()
  const lines: LogLine[] = []
  const exit = await runFfmpeg(path, ['-nostdin', '-i', 'file:/nowhere/at/all.mp4'], { onLine: (line) => lines.push(line) })
  expect(exit.code).not.toBe(0)
  expect(lastWords(exit)).toMatch(/: No such file or directory$/)
  expect(lines.length).toBeGreaterThan(0)
  expect(lastWords({ code: 3, errors: [] })).toBe('ffmpeg ended with status 3')
})

const endless = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48', '-f', 'rawvideo', 'pipe:1']

test('an aborted signal kills it, and nothing is left running', async () => {
  const { path } = await findFfmpeg()
  const abort = new AbortController()
  const running = startFfmpeg(path, endless, { signal: abort.signal })
  await new Promise((resolve) => running.stdout.once('data', resolve))
  abort.abort()
  running.stdout.resume()
  expect((await running.exit).code).toBe(-1)
  expect(() => startFfmpeg(path, endless, { signal: abort.signal })).toThrow(expect.objectContaining({ name: 'AbortError' }))
})

test('kill() ends it and resolves when it is gone, also twice', async () => {
  const { path } = await findFfmpeg()
  const running = startFfmpeg(path, endless)
  await running.kill()
  await running.kill()
  expect((await running.exit).code).toBe(-1)
})

test('a program that cannot be started is an error, not a crash', async () => {
  const running = startFfmpeg('/nowhere/ffmpeg', ['-version'])
  await expect(running.exit).rejects.toMatchObject({ code: 'ENOENT' })
  await running.kill()
})

test('the network is closed to playlists that lie in a file', async () => {
  const { path } = await findFfmpeg()
  let hits = 0
  const server = createServer((_, response) => {
    hits++
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'ofgen-network-'))
  try {
    const { port } = server.address() as AddressInfo
    const list = join(folder, 'list.m3u8')
    await writeFile(list, `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${port}/a.ts\n#EXT-X-ENDLIST\n`)
    await runFfmpeg(path, ['-nostdin', ...localOnly, '-i', `file:${list}`])
    expect(hits).toBe(0)
    await runFfmpeg(path, ['-nostdin', '-protocol_whitelist', 'file,http,tcp', '-i', `file:${list}`])
    expect(hits).toBeGreaterThan(0)
  } finally {
    server.close()
    await rm(folder, { recursive: true })
  }
})
