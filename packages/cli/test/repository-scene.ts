/** Repositories on the command line of a test: `baryon` in a directory of its own, and servers beside it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { atEnd, type Cleanup, temporaryDirectory } from '@baryon/testing'

export const baryon = resolve(import.meta.dirname, '../../../bin/baryon')
export const NAME = 'hep.example.org'

export interface Scene {
  readonly directory: string
  readonly environment: Record<string, string>
  run(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string }
  /** Standard output of a command that must do its work. */
  good(...words: readonly string[]): string
  /** Without keeping this process, and servers in it, from answering. */
  away(words: readonly string[], environment?: Record<string, string>): Promise<Away>
  /** `baryon repository serve`, on a free port, until the test ends. */
  serve(...words: readonly string[]): Promise<Served>
}

export interface Away {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Served {
  readonly child: ChildProcess
  /** Status and signal of its end. */
  readonly end: Promise<readonly unknown[]>
  /** The first line of standard output. */
  readonly line: string
  stderr(): string
}

export function repositoryScene(test: Cleanup): Scene {
  const directory = temporaryDirectory(test)
  mkdirSync(join(directory, 'home'))
  const environment = {
    PATH: process.env.PATH!,
    HOME: join(directory, 'home'),
    BARYON_ROOT: join(directory, 'root'),
    BARYON_STORE_DIR: `/cvmfs/${NAME}/nix/store`,
  }
  const run = (...words: readonly string[]) =>
    spawnSync(baryon, words, { cwd: directory, encoding: 'utf8', input: '', env: environment, maxBuffer: 1 << 28 })
  return {
    directory,
    environment,
    run,
    good: (...words) => {
      const result = run(...words)
      assert.equal(result.status, 0, `baryon ${words.join(' ')}\n${result.stderr}`)
      return result.stdout.trim()
    },
    away: async (words, more = {}) => {
      const child = spawn(baryon, words, {
        cwd: directory,
        env: { ...environment, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
      const [status] = await once(child, 'close')
      return { status: status as number, stdout, stderr }
    },
    serve: async (...words) => {
      const child = spawn(baryon, ['repository', 'serve', ...words], {
        cwd: directory,
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const end = once(child, 'exit')
      atEnd(test, async () => {
        child.kill('SIGKILL')
        await end
      })
      let [stdout, stderr] = ['', '']
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const line = await new Promise<string>((done, fail) => {
        child.stdout.on('data', (chunk: Buffer) => {
          stdout += chunk.toString()
          if (stdout.includes('\n')) done(stdout.trim())
        })
        child.once('exit', (code) => fail(new Error(`ended with ${code}: ${stderr}`)))
      })
      return { child, end, line, stderr: () => stderr }
    },
  }
}
