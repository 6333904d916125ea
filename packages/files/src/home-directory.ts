import { userInfo } from 'node:os'

type Environment = Readonly<NodeJS.ProcessEnv>

/**
 * `$HOME`, else what the system's list of users says, else `/`. Node's own `homedir` is empty where `HOME` is, so that what
 * is kept in it would lie in the root of the machine, and throws where the user is in no list.
 */
export function homeDirectory(environment: Environment = process.env): string {
  if (environment.HOME) return environment.HOME
  try {
    return userInfo().homedir || '/'
  } catch {
    return '/'
  }
}

/** For what can be made again: `$XDG_CACHE_HOME/baryon`, else `~/.cache/baryon`. */
export function userCacheDirectory(environment: Environment = process.env): string {
  return `${environment.XDG_CACHE_HOME || `${homeDirectory(environment)}/.cache`}/baryon`
}
