import { open } from 'node:fs/promises'
import {
  ALL_FORMATS,
  EncodedAudioPacketSource,
  type EncodedPacket,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  FilePathSource,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  Mp4OutputFormat,
  Output,
  StreamTarget,
  type StreamTargetChunk,
  WebMOutputFormat,
} from 'mediabunny'

/** Sound for the result: a track that the container takes as it is, on the clock of the source. */
export interface SoundTrack {
  readonly path: string
  /** Only what sounds between these times is taken; seconds on the clock of the source. */
  readonly from: number
  readonly to: number
}

export interface RetimeOptions {
  readonly format: 'mp4' | 'webm'
  /** Encoded at a constant rate, one packet a frame. */
  readonly encoded: string
  /** When each frame is shown and for how long, in order; seconds. */
  readonly times: readonly number[]
  readonly lastDuration: number
  /** Subtracted from every time, of pictures and of sound. */
  readonly shift: number
  readonly sound: SoundTrack | undefined
  readonly target: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Gives an encoded video its true times and its sound, without touching a coded byte: packets are ranked by the time they were encoded
 * with (they lie in decoding order), and the packet of rank k gets the time of frame k. Reads packet by packet; what is held grows by
 * 16 bytes a frame. MP4 keeps times to 1/57600 s, WebM to 1 ms.
 *
 * @throws Error if the encoded video does not have a packet for every time.
 */
export async function retime({
  format,
  encoded,
  times,
  lastDuration,
  shift,
  sound,
  target,
  signal,
}: RetimeOptions): Promise<void> {
  const inputs: Input[] = []
  const openInput = (path: string): Input => {
    const input = new Input({ formats: ALL_FORMATS, source: new FilePathSource(path) })
    inputs.push(input)
    return input
  }
  const file = await open(target, 'w')
  let output: Output | undefined
  try {
    // 1. The pictures: which packet is which frame?
    const video = await openInput(encoded).getPrimaryVideoTrack()
    if (video === null) throw new Error('The encoded video has no video track.')
    const ranks = await rankPackets(video)
    if (ranks.length !== times.length) throw new Error(`The encoder made ${ranks.length} packets of ${times.length} frames.`)

    // 2. The sound.
    const audio = sound === undefined ? null : await openInput(sound.path).getPrimaryAudioTrack()
    const part = { from: sound?.from ?? 0, to: sound?.to ?? 0, early: format === 'mp4' }
    let soundPackets = 0
    if (audio !== null) for await (const _ of soundOf(audio, part, true)) soundPackets++

    // 3. The container, written as it comes; MP4's index has its place kept at the front.
    output = new Output({
      format: format === 'mp4' ? new Mp4OutputFormat({ fastStart: 'reserve' }) : new WebMOutputFormat(),
      target: new StreamTarget(
        new WritableStream<StreamTargetChunk>({
          write: async ({ data, position }) => {
            for (let at = 0; at < data.length;) at += (await file.write(data, at, data.length - at, position + at)).bytesWritten
          },
        }),
        { chunked: true },
      ),
    })
    const pictures = new EncodedVideoPacketSource((await video.getCodec())!)
    output.addVideoTrack(pictures, { maximumPacketCount: times.length })
    const tones = audio === null || soundPackets === 0 ? undefined : new EncodedAudioPacketSource((await audio.getCodec())!)
    if (tones !== undefined) output.addAudioTrack(tones, { maximumPacketCount: soundPackets })
    await output.start()

    // 4. Both, whichever is next in time, so that neither waits in memory for the other.
    const pictureConfig = await video.getDecoderConfig()
    const soundConfig = audio === null ? null : await audio.getDecoderConfig()
    const pictureQueue = new EncodedPacketSink(video).packets()
    const soundQueue = audio === null || tones === undefined ? undefined : soundOf(audio, part, false)
    let picture = await pictureQueue.next()
    let tone = await soundQueue?.next()
    let position = 0
    let firstTone = true
    while (picture.done !== true || (tone !== undefined && tone.done !== true)) {
      signal?.throwIfAborted()
      const rank = ranks[position] ?? 0
      const time = times[rank]! - shift
      if (picture.done !== true && (tone === undefined || tone.done === true || time <= tone.value.timestamp - shift)) {
        const duration = (times[rank + 1] ?? times[rank]! + lastDuration) - times[rank]!
        await pictures.add(
          picture.value.clone({ timestamp: time, duration }),
          position === 0 ? { decoderConfig: pictureConfig! } : undefined,
        )
        position++
        picture = await pictureQueue.next()
      } else {
        const packet = tone!.value as EncodedPacket
        await tones!.add(
          packet.clone({ timestamp: packet.timestamp - shift }),
          firstTone && soundConfig !== null ? { decoderConfig: soundConfig } : undefined,
        )
        firstTone = false
        tone = await soundQueue!.next()
      }
    }
    await output.finalize()
    await file.sync()
  } catch (error) {
    if (output !== undefined && output.state === 'started') await output.cancel().catch(() => {})
    throw error
  } finally {
    for (const input of inputs) input.dispose()
    await file.close()
  }
}

/** For each packet in decoding order, which frame it is in order of time. */
async function rankPackets(track: InputVideoTrack): Promise<Uint32Array> {
  const stamps: number[] = []
  const packets = new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true })
  for await (const packet of packets) stamps.push(packet.timestamp)
  const order = Uint32Array.from(stamps.keys()).sort((a, b) => stamps[a]! - stamps[b]!)
  const ranks = new Uint32Array(order.length)
  order.forEach((packet, rank) => (ranks[packet] = rank))
  return ranks
}

/** The packets that sound in a part of the track. `early` keeps the one that began before it (MP4 can cut it at the start). */
async function* soundOf(
  track: InputAudioTrack,
  { from, to, early }: { from: number; to: number; early: boolean },
  metadataOnly: boolean,
): AsyncGenerator<EncodedPacket, void, void> {
  const sink = new EncodedPacketSink(track)
  const start = from === -Infinity ? null : await sink.getPacket(from, { metadataOnly })
  for await (const packet of sink.packets(start ?? undefined, undefined, { metadataOnly })) {
    if (packet.timestamp >= to) return
    if (early ? packet.timestamp + packet.duration > from : packet.timestamp >= from) yield packet
  }
}
