/** What went wrong while nobody could be told: the last lines, with their time. */
export class Log {
  readonly #lines: string[] = []

  add(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    const code = (error as { readonly code?: unknown }).code
    this.#lines.push(`${new Date().toISOString()} ${typeof code === 'string' ? `error[${code}]: ` : ''}${text}`)
    if (this.#lines.length > MOST) this.#lines.shift()
  }

  get text(): string {
    return this.#lines.join('\n')
  }
}

const MOST = 64
