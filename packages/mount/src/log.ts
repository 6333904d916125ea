/** What went wrong while nobody could be told: the last lines, with their time. */
export class Log {
  readonly #lines: string[] = []

  add(error: unknown): void {
    const code = (error as { readonly code?: unknown }).code
    const text = typeof code === 'string' ? `error[${code}]: ${(error as Error).message}` : stackOf(error)
    this.#lines.push(`${new Date().toISOString()} ${text}`)
    if (this.#lines.length > MOST) this.#lines.shift()
  }

  get text(): string {
    return this.#lines.join('\n').slice(-LARGEST)
  }
}

/** What has no code is a fault of ours. */
function stackOf(error: unknown): string {
  return error instanceof Error ? `${error.stack}` : String(error)
}

/** An attribute has no room for more. */
const LARGEST = 60_000
const MOST = 64
