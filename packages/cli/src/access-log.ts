/** A line for each request that a server of ours has answered. */
import type { AccessRecord } from '@baryon/server'

export function formatAccess(record: AccessRecord, json: boolean): string {
  if (json) return JSON.stringify({ time: new Date().toISOString(), ...record })
  const { method, target, status, bytes, milliseconds, client, cut } = record
  return `${client} ${method} ${target} ${status} ${bytes} ${milliseconds.toFixed(1)}ms${cut ? ' cut' : ''}`
}
