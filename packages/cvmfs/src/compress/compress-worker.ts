import { parentPort } from 'node:worker_threads'
import { hashContent } from '../content-hash.ts'
import type { Answer, Batch } from './compressor.ts'
import { createDeflate } from './deflate.ts'
import { freeMemory } from './free-memory.ts'

const deflate = createDeflate()

parentPort?.on('message', (batch: Batch) => {
  const answer = answerTo(batch)
  parentPort!.postMessage(answer, answer.ok ? answer.pieces.map(({ stored }) => stored.buffer) : [])
})

function answerTo({ algorithm, pieces }: Batch): Answer {
  try {
    return {
      ok: true,
      pieces: pieces.map((bytes) => {
        const stored = deflate(bytes)
        freeMemory(bytes)
        return { stored, hash: hashContent(algorithm, stored) }
      }),
    }
  } catch (error) {
    return { ok: false, error }
  }
}
