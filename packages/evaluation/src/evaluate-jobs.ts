import type { JobsRequest } from './jobs/job-request.ts'
import type { JobsListeners, JobsProgress } from './jobs/run-jobs.ts'

/** Evaluates all derivations of a set in worker processes; see `runJobs`. */
export async function evaluateJobs(
  request: JobsRequest,
  listeners: JobsListeners,
  signal: AbortSignal,
): Promise<JobsProgress> {
  const { runJobs } = await import('./jobs/run-jobs.ts')
  return await runJobs(request, listeners, signal)
}
