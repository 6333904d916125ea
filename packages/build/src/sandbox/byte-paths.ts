import { pathBytes } from '@baryon/store'
import type { SandboxRequest, WorkDirectory } from './sandbox.ts'

/** The request with its paths of the host as byte strings: what goes into a script, a table or a descriptor is bytes. */
export function withBytePaths(request: SandboxRequest): SandboxRequest {
  return {
    ...request,
    work: Object.fromEntries(Object.entries(request.work).map(([name, path]) => [name, pathBytes(path)])) as {
      [Name in keyof WorkDirectory]: string
    },
    usr: request.usr === undefined ? undefined : pathBytes(request.usr),
    inputs: request.inputs.map((input) => ({ ...input, source: pathBytes(input.source) })),
    hostFiles: request.hostFiles.map(({ source, target }) => ({ source: pathBytes(source), target })),
  }
}
