/** What running in a project that was built by other means, and is described by xenv, does to the variables. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '@baryon/environment'
import { releaseStatus, StatusError } from '../status-error.ts'
import { type ChainRequest, projectChain } from './project-chain.ts'
import { applyXenv } from './xenv.ts'

export interface ProjectRequest extends ChainRequest {
  readonly name: string
  readonly environment: NodeJS.ProcessEnv
  /** See XenvRequest. */
  readonly exists: (path: string) => boolean
}

/** Throws StatusError 64 when the project has no xenv file. */
export async function projectChanges(request: ProjectRequest): Promise<readonly Change[]> {
  const { name, directory, tag, searchPath, environment, exists } = request
  const wanted = `${name}.xenv`.toLowerCase()
  const file = readdirSync(directory).find((one) => one.toLowerCase() === wanted)
  if (file === undefined) {
    throw new StatusError(releaseStatus.notFound, 'XENV_FILE', `cannot find ${name}.xenv in ${directory}`, {
      hint: 'it is written when a project is installed by its build system',
    })
  }
  const { directories, variables } = await projectChain(request)
  const begin = {
    ...environment,
    ...variables,
    CMTPROJECTPATH: searchPath.join(':'),
    CMAKE_PREFIX_PATH: searchPath.join(':'),
    BINARY_TAG: tag,
    CMTCONFIG: tag,
  }
  const after = applyXenv({ file: join(directory, file), searchPath: directories, environment: begin, exists })
  return difference(environment, after)
}

function difference(before: NodeJS.ProcessEnv, after: NodeJS.ProcessEnv): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names.flatMap((variable): Change[] => {
    const value = after[variable]
    if (value === before[variable]) return []
    return [value === undefined ? { kind: 'unset', variable } : { kind: 'set', variable, value }]
  })
}
