/** A thread of `unpackMany`: unpacks one archive per message. */
import { parentPort } from 'node:worker_threads'

import { UserError } from '@baryon/format'

import { unpackArchive } from './unpack-archive.ts'
import type { UnpackAnswer, UnpackTask } from './unpack-many.ts'

parentPort!.on('message', ({ index, file, destination, options }: UnpackTask) => {
  unpackArchive(file, destination, options).then(
    (result) => answer({ kind: 'done', index, result }),
    (error: unknown) => {
      if (error instanceof UserError) {
        // Classes do not cross threads.
        answer({ kind: 'failed', code: error.code, message: error.message, hint: error.hint })
      } else {
        answer({ kind: 'bug', error: error instanceof Error ? error : new Error(String(error)) })
      }
    },
  )
})

function answer(message: UnpackAnswer): void {
  parentPort!.postMessage(message)
}
