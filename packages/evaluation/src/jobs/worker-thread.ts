/** The thread with the large stack behind `worker-process.ts`. */
import { workerData } from 'node:worker_threads'
import { LineChannel } from './line-channel.ts'
import type { WorkerSetup } from './protocol.ts'
import { serveJobs } from './serve-jobs.ts'

serveJobs(workerData as WorkerSetup, new LineChannel())
