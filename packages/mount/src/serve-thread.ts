/** The thread that answers the kernel from what is on the disk, and hands over what has to be fetched first. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { UserError } from '@baryon/format'
import { serve } from '@baryon/fuse'
import { Absent } from './absent.ts'
import { CatalogTable } from './catalog-table.ts'
import { RepositoryTree } from './repository-tree.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'
import { timeouts } from './timeouts.ts'
import { createRecorder } from './trace.ts'

const data = workerData as ThreadData
const port = parentPort!
const posted = new Int32Array(data.posted)
let seen = 0

const catalogs = new CatalogTable()
const tree = new RepositoryTree(data.root, {
  cacheDirectory: data.cacheDirectory,
  catalogs,
  environment: process.env,
  owner: data.owner,
  record: data.record === undefined ? undefined : createRecorder(data.record),
  status: () => {
    throw new Absent({ kind: 'status' })
  },
})

try {
  serve(data.descriptor, tree, {
    timeouts,
    onRequest: receive,
    onStart: (session) => post({ kind: 'started', session }),
    onInterrupt: (unique) => post({ kind: 'interrupt', unique }),
    takeOn: (request) => {
      post({ kind: 'request', request, directories: tree.takeFreshDirectories() })
      return true
    },
  })
  post({ kind: 'ended' })
} catch (error) {
  const { message, code, hint, stack } = error as UserError
  post({
    kind: 'ended',
    error: error instanceof UserError ? { code, message, hint } : { code: 'INTERNAL', message: `${stack}`, hint },
  })
}

function post(message: FromThread): void {
  port.postMessage(message)
}

/** The thread never returns to its event loop: it looks for messages before each request, if any were posted. */
function receive(): void {
  const now = Atomics.load(posted, 0)
  if (now === seen) return
  seen = now
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as ToThread
    if (message.kind === 'catalog') catalogs.note(message.catalog)
    else if (message.kind === 'directories') tree.noteDirectories(message.directories)
    else tree.show(message.root)
  }
}
