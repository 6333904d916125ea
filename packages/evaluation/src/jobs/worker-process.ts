/** The process behind `worker-handle.ts`. */
import { Worker } from 'node:worker_threads'
import { LineChannel } from './line-channel.ts'
import { OUT_OF_MEMORY, type WorkerSetup } from './protocol.ts'
import { serveJobs } from './serve-jobs.ts'

const channel = new LineChannel()
const text = channel.read()
if (text !== undefined) {
  const setup = JSON.parse(text) as WorkerSetup
  if (setup.largeStack) serveInThread(setup)
  else serveJobs(setup, channel)
}

/** The thread reads and writes by itself; this one only sees how it ends. */
function serveInThread(setup: WorkerSetup): void {
  const thread = new Worker(new URL('./worker-thread.ts', import.meta.url), {
    workerData: setup,
    resourceLimits: {
      stackSizeMb: 1000,
      maxYoungGenerationSizeMb: 384,
      maxOldGenerationSizeMb: setup.request.maxMemory * 2,
    },
  })
  thread.on('error', (error: Error & { readonly code?: string }) => {
    if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error
    process.exit(OUT_OF_MEMORY)
  })
}
