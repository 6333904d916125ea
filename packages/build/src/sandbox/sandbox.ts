/**
 * What a builder may see, and how it is started and ended. One interface, four tiers; the choice is in `choose-sandbox.ts`.
 *
 * Every tier shows the same world: `/build` (writable, the working directory), `/tmp`, the logical store directory as an
 * empty writable directory with only the declared inputs over it, `/usr` of the sandbox root or a lone `/bin/sh`, `/proc`,
 * a small `/dev`, three files in `/etc`; user 1000, group 100. What a tier cannot keep apart is listed in `lost`.
 */
import type { Readable } from 'node:stream'

export type SandboxTier = 'bubblewrap' | 'unshare' | 'proot' | 'none'

export interface Sandbox {
  readonly tier: SandboxTier
  /** What is not isolated, for the user to read; empty when nothing is lost. */
  readonly lost: readonly string[]
  /** Inputs must be verified after the build because the builder could have written to them. */
  readonly inputsWritable: boolean
  /** Where the builder finds its working directory, in bytes: `/build`, except without a sandbox. */
  buildDirectory(work: WorkDirectory): string
  start(request: SandboxRequest): Promise<RunningBuilder>
}

/** The directories of one build on the host, all below `path`; made in a `WorkArea`. */
export interface WorkDirectory {
  readonly path: string
  /** Seen as `/build`. */
  readonly build: string
  /** Seen as the logical store directory: what the builder makes there are its outputs. */
  readonly store: string
  /** Seen as `/tmp`. */
  readonly temporary: string
  /** Seen as `/etc`. */
  readonly etc: string
  /** Where a tier assembles its root. */
  readonly root: string
}

/** Paths of the host are texts of the system; all else is byte strings. `byte-paths.ts` turns the former into the latter. */
export interface SandboxRequest {
  readonly work: WorkDirectory
  readonly storeDirectory: string
  readonly builder: string
  readonly args: readonly string[]
  readonly env: ReadonlyMap<string, string>
  readonly inputs: readonly SandboxInput[]
  /** Physical directory to mount at `/usr`. */
  readonly usr: string | undefined
  /** Other files of the host to show: `/bin/sh` and its libraries, certificates. */
  readonly hostFiles: readonly SandboxFile[]
  /** The host's network stays reachable (fixed outputs only). */
  readonly network: boolean
}

export interface SandboxInput {
  /** Physical path. */
  readonly source: string
  /** Base name in the logical store directory. */
  readonly name: string
  readonly kind: 'directory' | 'regular' | 'symlink'
}

export interface SandboxFile {
  readonly source: string
  readonly target: string
}

export interface RunningBuilder {
  /** Both output streams, in the order of writing. */
  readonly output: Readable
  /** Settles when the builder has ended and everything that it left running is dead. Never rejects. */
  readonly ended: Promise<BuilderEnd>
  /** Kills the builder and all it started, at once; `ended` settles soon after. */
  kill(): void
}

export interface BuilderEnd {
  /** As a shell would say it: 128 + N when signal N ended the builder. */
  readonly status: number
  /** The sandbox itself could not be set up: the builder never ran. */
  readonly setupFailed: boolean
}

/** What the sandbox shows of a user and a host, the same everywhere. */
export const SANDBOX_USER = { uid: 1000, gid: 100, hostname: 'localhost' } as const
