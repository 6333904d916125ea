/** Credentials and region as the tools of AWS find them: environment first, then the files in `~/.aws`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { homeDirectory } from '@baryon/files'
import { isSystemError, type S3Credentials, UserError } from '@baryon/format'

/** Undefined when nobody has any: then requests are anonymous. A profile that is named must exist. */
export function findCredentials(
  profile: string | undefined,
  environment: NodeJS.ProcessEnv,
): S3Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment
  // A profile in the URL is meant for this very cache, so it wins over the environment.
  if (profile === undefined && keyId && secret) return { keyId, secret, sessionToken: token || undefined }
  const name = profile ?? (environment.AWS_PROFILE || 'default')
  const file = environment.AWS_SHARED_CREDENTIALS_FILE || awsFile(environment, 'credentials')
  const section = readSections(file).get(name)
  const found = {
    keyId: section?.get('aws_access_key_id'),
    secret: section?.get('aws_secret_access_key'),
    sessionToken: section?.get('aws_session_token'),
  }
  if (found.keyId !== undefined && found.secret !== undefined) {
    return { keyId: found.keyId, secret: found.secret, sessionToken: found.sessionToken }
  }
  if (profile === undefined) return undefined
  throw new UserError('S3_CREDENTIALS', `profile '${profile}' has no keys in '${file}'`, {
    hint: 'add aws_access_key_id and aws_secret_access_key under its heading, or leave profile out of the URL',
  })
}

export function findRegion(profile: string | undefined, environment: NodeJS.ProcessEnv): string {
  const fromEnvironment = environment.AWS_REGION || environment.AWS_DEFAULT_REGION
  if (fromEnvironment) return fromEnvironment
  const name = profile ?? (environment.AWS_PROFILE || 'default')
  const sections = readSections(environment.AWS_CONFIG_FILE || awsFile(environment, 'config'))
  const section = sections.get(name === 'default' ? 'default' : `profile ${name}`)
  return section?.get('region') ?? 'us-east-1'
}

function awsFile(environment: NodeJS.ProcessEnv, name: string): string {
  return join(homeDirectory(environment), '.aws', name)
}

function readSections(file: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let current = new Map<string, string>()
  for (const line of readIfThere(file).split('\n')) {
    const heading = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)
    if (heading !== null) {
      current = sections.get(heading[1]!) ?? new Map()
      sections.set(heading[1]!, current)
      continue
    }
    const entry = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (entry !== null) current.set(entry[1]!.toLowerCase(), entry[2]!)
  }
  return sections
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return ''
    if (!isSystemError(error, 'EACCES', 'EISDIR')) throw error
    throw new UserError('S3_CREDENTIALS', `'${file}' cannot be read (${error.code})`, { cause: error })
  }
}
