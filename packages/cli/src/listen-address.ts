/** Where servers listen, as options say it. */
import type { ListenAddress } from '@baryon/server'
import { UsageError } from './parse-arguments.ts'

/** `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is on 127.0.0.1. */
export function parseListenAddress(listen: string): Extract<ListenAddress, { readonly kind: 'tcp' }> {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(listen)
  const port = Number(match?.[3])
  if (match === null || port > 65535) throw new UsageError(`--listen ${listen}: must be HOST:PORT`)
  return { kind: 'tcp', host: match[1] ?? (match[2] || '127.0.0.1'), port }
}
