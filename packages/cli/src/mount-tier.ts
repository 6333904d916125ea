/** Whether a repository can be mounted here, and in which namespace. */
import { closeSync, openSync } from 'node:fs'
import { listTiers, type Tier } from '@baryon/environment'
import { isSystemError, UserError } from '@baryon/format'

/** Why nothing can be mounted here, if so. */
export function mountProblem(): UserError | undefined {
  try {
    mountTier()
    return undefined
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

/** Throws `FUSE_FORBIDDEN`, `FUSE_MISSING` or `NO_NAMESPACE`. */
export function mountTier(): Tier {
  checkDevice()
  for (const { tier, works } of listTiers('userns')) if (works && tier.kind === 'unshare') return tier
  throw new UserError(
    'NO_NAMESPACE',
    'this machine does not let its users mount anything in a namespace of their own',
    {
      hint: 'allow namespaces of users (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)',
    },
  )
}

function checkDevice(): void {
  try {
    closeSync(openSync('/dev/fuse', 'r+'))
  } catch (cause) {
    if (isSystemError(cause, 'EACCES', 'EPERM')) {
      throw new UserError(
        'FUSE_FORBIDDEN',
        'this user may not open /dev/fuse, through which file systems are mounted',
        {
          hint: 'an administrator allows it with: chmod 0666 /dev/fuse',
          cause,
        },
      )
    }
    if (!isSystemError(cause, 'ENOENT', 'ENXIO', 'ENODEV')) throw cause
    throw new UserError('FUSE_MISSING', 'this machine has no /dev/fuse, through which file systems are mounted', {
      hint: 'an administrator loads it with: modprobe fuse; containers need --device /dev/fuse',
      cause,
    })
  }
}
