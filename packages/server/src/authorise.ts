/**
 * Who may upload: whoever knows the token, as `Authorization: Bearer TOKEN`, or as the password of Basic authentication
 * (any user name), which is what Nix sends for a host in its `netrc-file`.
 */
import { timingSafeEqual } from 'node:crypto'
import { hashBytes, UserError } from '@baryon/format'
import { type CacheRequest, type CacheResponse, errorResponse, headerOf } from './exchange.ts'

/** Gives the refusal, or undefined when the request may go on. Without a token nobody may upload. */
export function refuseUpload(request: CacheRequest, token: string | undefined): CacheResponse | undefined {
  if (token === undefined) {
    return errorResponse(
      403,
      new UserError('UPLOAD_DISABLED', 'this cache takes no uploads', {
        hint: 'its operator can allow them with --upload-token-file',
      }),
    )
  }
  const given = givenToken(headerOf(request, 'authorization') ?? '')
  if (given !== undefined && sameText(given, token)) return undefined
  return errorResponse(
    401,
    new UserError('UPLOAD_UNAUTHORISED', 'uploading needs the right token', {
      hint: 'send it as a bearer token, or as the password for this host in the netrc-file of Nix',
    }),
    { 'WWW-Authenticate': 'Basic realm="binary cache"' },
  )
}

/** The token in the text of a token file: one line. */
export function parseToken(text: string, file: string): string {
  const token = text.trim()
  if (/^[!-~]{16,1024}$/.test(token)) return token
  throw new UserError('TOKEN_INVALID', `'${file}' does not hold a token of 16 or more printable characters`, {
    hint: 'make one: head -c 32 /dev/urandom | base64',
  })
}

function givenToken(header: string): string | undefined {
  const match = /^(bearer|basic) +([!-~]+)$/i.exec(header.trim())
  if (match === null) return undefined
  if (match[1]!.toLowerCase() === 'bearer') return match[2]
  const pair = Buffer.from(match[2]!, 'base64').toString('latin1')
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined
}

/** Over hashes, so that neither contents nor length show in the time it takes. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hashBytes('sha256', a).bytes, hashBytes('sha256', b).bytes)
}
