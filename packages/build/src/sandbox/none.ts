import { pathBytes } from '@baryon/store'
import { launch } from './launch.ts'
import { processIds, readOfProcess, signalProcess } from './processes.ts'
import type { Sandbox, SandboxRequest } from './sandbox.ts'

/**
 * No isolation: the builder runs on the host as ourselves. Only by explicit wish, and only for a store that lies at its
 * logical place, since nothing can be mounted there. Outputs are made in the store itself.
 */
export function noSandbox(): Sandbox {
  return {
    tier: 'none',
    lost: ['everything: the host is visible and writable, the network is reachable'],
    inputsWritable: true,
    buildDirectory: (work) => pathBytes(work.build),
    start(request: SandboxRequest) {
      const { work, builder, args, env } = request
      const marker = `NIX_BUILD_TOP=${pathBytes(work.build)}\0`
      return launch([builder, ...args], {
        directory: work.path,
        workingDirectory: work.build,
        env,
        // A daemon leaves the process group, but rarely drops its environment.
        sweep: async () => {
          for (const pid of processIds()) {
            if (pid !== process.pid && readOfProcess(pid, 'environ')?.includes(marker) === true)
              signalProcess(pid, 'SIGKILL')
          }
        },
      })
    },
  }
}
