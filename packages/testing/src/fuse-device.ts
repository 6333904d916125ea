/** /dev/fuse as most machines have it, open to all, whatever the mode of the one of this machine. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

export interface FuseDevice {
  /** Words before a command that is to have the device. */
  readonly words: readonly string[]
  /** For the `skip` option of a test. */
  readonly skip: string | false
}

/**
 * For a command as user 65534, when we are root: in a mount namespace with a device of its own, so that nothing changes for the machine; else as
 * we are. `mode` is that of the device, `setUp` a script that root runs behind it.
 */
export function fuseDevice(mode = '666', setUp = ':'): FuseDevice {
  if (process.geteuid!() !== 0) {
    try {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
      return { words: [], skip: false }
    } catch {
      return { words: [], skip: 'this user may not open /dev/fuse' }
    }
  }
  const script = `d=$(mktemp -d); mount -t tmpfs -o mode=755 none "$d"
    mknod "$d/fuse" c 10 229; chmod ${mode} "$d/fuse"; mount --bind "$d/fuse" /dev/fuse; umount -l "$d"; rmdir "$d"
    ${setUp}
    exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --no-new-privs -- "$@"`
  const words = ['unshare', '--mount', 'sh', '-ec', script, 'sh']
  const probe = spawnSync(words[0]!, [...words.slice(1), 'true'], { encoding: 'utf8' })
  return { words, skip: probe.status === 0 ? false : `no device for FUSE can be made here: ${probe.stderr}` }
}
