import { quoteBytes, UserError } from '@baryon/format'

/** Fully qualified names of repositories: `lhcb.example.org`. They stand in paths, so nothing else passes. */
export function checkRepositoryName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}$/.test(name)) return name
  throw new UserError('CVMFS_NAME', `${quoteBytes(name.slice(0, 80))} is no name of a repository`, {
    hint: 'at most 60 letters, digits, dots, dashes and underscores: lhcb.example.org',
  })
}
