/** Entity tags: what a client has already need not be sent again. All of ours are strong: same tag, same bytes. */
import { hashBytes } from '@baryon/format'
import { type CacheRequest, type CacheResponse, headerOf } from './exchange.ts'

/** A tag for a text that is made anew each time. */
export function tagOf(text: string | Uint8Array): string {
  return `"${Buffer.from(hashBytes('sha256', text).bytes).toString('base64url', 0, 18)}"`
}

/** True when `If-None-Match` names the tag. */
export function isKnown(request: CacheRequest, tag: string): boolean {
  const header = headerOf(request, 'if-none-match')
  if (header === undefined) return false
  // Proxies make weak tags of ours when they recode a body; the comparison for this header is the weak one.
  return header.trim() === '*' || header.split(',').some((word) => word.trim().replace(/^W\//, '') === tag)
}

/** True unless `If-Range` says that the client has another version of the body. */
export function mayResume(request: CacheRequest, tag: string): boolean {
  const header = headerOf(request, 'if-range')
  return header === undefined || header.trim() === tag
}

export function notModified(headers: CacheResponse['headers']): CacheResponse {
  return { status: 304, headers, body: '' }
}
