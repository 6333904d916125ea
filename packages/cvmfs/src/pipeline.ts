/**
 * Small files over HTTP/1.1 at little cost: several questions on one connection before the first is answered, one writing and
 * one reading for many of them. `node:http` costs ten times as much as what it does for a file of some kilobytes.
 *
 * Only for plain answers: status 200 with a Content-Length. Whatever else happens, the question is given up, and to be
 * asked in the ordinary way.
 */
import { connect, type Socket } from 'node:net'

export interface PipelineAddress {
  readonly host: string
  readonly port: number
}

interface Question {
  readonly text: string
  /** Undefined: to be asked in the ordinary way. */
  readonly resolve: (body: Buffer | undefined) => void
  readonly limit: number
}

/** Connections to one server or proxy. */
export class Pipeline {
  readonly #address: PipelineAddress
  readonly #timeout: number
  readonly #connections: Connection[] = []

  /** `timeout` is in seconds. */
  constructor(address: PipelineAddress, timeout: number) {
    this.#address = address
    this.#timeout = timeout
  }

  /** The body of the answer; undefined when it is no plain one, or larger than `limit` bytes. `target` is a path, or for a proxy an address. */
  get(target: string, host: string, limit: number): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const text = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
      this.#connection().ask({ text, resolve, limit })
    })
  }

  #connection(): Connection {
    let best: Connection | undefined
    for (const connection of this.#connections) {
      if (best === undefined || connection.load < best.load) best = connection
    }
    if (best !== undefined && (best.load === 0 || this.#connections.length >= MOST_CONNECTIONS)) return best
    const fresh = new Connection(this.#address, this.#timeout, () => {
      this.#connections.splice(this.#connections.indexOf(fresh), 1)
    })
    this.#connections.push(fresh)
    return fresh
  }
}

const MOST_CONNECTIONS = 6

class Connection {
  readonly #socket: Socket
  /** In the order in which they are answered. */
  readonly #asked: Question[] = []
  #answered = 0
  #unsent = ''
  #pieces: Buffer[] = []
  #length = 0
  /** Bytes of the answer that is coming, with its header; 0 while that is not known. */
  #wanted = 0
  #bodyStart = 0
  #isOver = false

  constructor({ host, port }: PipelineAddress, timeout: number, onEnd: () => void) {
    this.#socket = connect({ host, port, noDelay: true })
    this.#socket.setTimeout(timeout * 1000)
    const end = (): void => {
      if (this.#isOver) return
      this.#isOver = true
      onEnd()
      this.#socket.destroy()
      for (const { resolve } of this.#asked.splice(0).slice(this.#answered)) resolve(undefined)
    }
    this.#socket.on('error', end).on('close', end).on('timeout', end)
    this.#socket.on('data', (piece: Buffer) => {
      if (!this.#take(piece)) end()
    })
  }

  /** Questions that wait for an answer. */
  get load(): number {
    return this.#asked.length - this.#answered
  }

  ask(question: Question): void {
    if (this.load === 0) this.#socket.ref()
    this.#asked.push(question)
    if (this.#unsent === '') process.nextTick(() => this.#send())
    this.#unsent += question.text
  }

  #send(): void {
    this.#socket.write(this.#unsent, 'latin1')
    this.#unsent = ''
  }

  /** False for what is not understood. */
  #take(piece: Buffer): boolean {
    this.#pieces.push(piece)
    this.#length += piece.length
    while (this.#length > 0) {
      if (this.load === 0) return false
      if (this.#wanted === 0) {
        const bytes = this.#joined()
        const end = bytes.indexOf(HEADER_END)
        if (end < 0) return bytes.length < LONGEST_HEADER
        const size = bodySize(bytes.toString('latin1', 0, end))
        if (size === undefined || size > this.#asked[this.#answered]!.limit) return false
        this.#bodyStart = end + HEADER_END.length
        this.#wanted = this.#bodyStart + size
      }
      if (this.#length < this.#wanted) return true
      this.#answer()
    }
    return true
  }

  #answer(): void {
    const bytes = this.#joined()
    const { resolve } = this.#asked[this.#answered++]!
    resolve(bytes.subarray(this.#bodyStart, this.#wanted))
    this.#pieces = [bytes.subarray(this.#wanted)]
    this.#length -= this.#wanted
    this.#wanted = 0
    if (this.load > 0) return
    this.#asked.length = 0
    this.#answered = 0
    // An idle connection keeps no process alive.
    this.#socket.unref()
  }

  #joined(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces, this.#length)]
    return this.#pieces[0]!
  }
}

const HEADER_END = Buffer.from('\r\n\r\n')
const LONGEST_HEADER = 16 * 1024

/** Undefined unless the answer is whole and as long as it says. */
function bodySize(header: string): number | undefined {
  if (!/^HTTP\/1\.1 200 /.test(header)) return undefined
  if (/\r\n(transfer-encoding|content-encoding)[ \t]*:|\r\nconnection[ \t]*:[ \t]*close/i.test(header)) return undefined
  const lengths = [...header.matchAll(/\r\ncontent-length[ \t]*:[ \t]*(\d{1,15})[ \t]*(?=\r\n|$)/gi)]
  return lengths.length === 1 ? Number(lengths[0]![1]) : undefined
}
