/** The body of an upload that must keep coming. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { UserError } from '@baryon/format'
import type { Metrics } from './metrics.ts'

/**
 * Chunks of the body; reading the first is what tells a waiting client to send. `UPLOAD_TOO_SLOW` when 64 KiB (or the end)
 * take longer than `pace` milliseconds, `UPLOAD_CUT` when the client goes away. The connection stays open for an answer.
 */
export async function* pacedBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  pace: number,
  metrics: Metrics,
): AsyncGenerator<Uint8Array> {
  if (incoming.headers.expect !== undefined) outgoing.writeContinue()
  const chunks = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  let sinceBeat = 0
  let beat = startBeat(pace)
  try {
    for (;;) {
      const { value: chunk, done } = await Promise.race([chunks.next(), beat.missed])
      if (done === true) return
      metrics.add('baryon_cache_received_bytes_total', '', chunk.length)
      sinceBeat += chunk.length
      if (sinceBeat >= BEAT) {
        sinceBeat = 0
        beat.stop()
        beat = startBeat(pace)
      }
      yield chunk
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError('UPLOAD_CUT', 'the upload ended before its end', { cause })
  } finally {
    beat.stop()
    // Without an end of its own it would keep what follows from being discarded.
    void chunks.return?.()
  }
}

function startBeat(pace: number): { readonly missed: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  const missed = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new UserError('UPLOAD_TOO_SLOW', `less than ${BEAT} bytes came in ${pace / 1000} s`)),
      pace,
    )
  })
  // It may come when nobody waits: between two chunks, and behind the last.
  missed.catch(() => undefined)
  return { missed, stop: () => clearTimeout(timer) }
}

const BEAT = 65536
