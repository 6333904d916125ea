import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError } from '@baryon/format'
import { writeFileAtomically } from '@baryon/store'
import { formatRunRecord, type RunRecord } from './run-record.ts'

/** Before the command runs, which may take days. Throws `RUN_RECORD_UNWRITABLE`. */
export function requireRecordPlace(file: string): void {
  try {
    accessSync(dirname(resolve(file)), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError('RUN_RECORD_UNWRITABLE', `no record can be written to '${file}'`, {
      cause: error,
      hint: 'give --record a file in a directory of yours',
    })
  }
}

export function writeRecord(file: string, record: RunRecord): void {
  writeFileAtomically(file, Buffer.from(formatRunRecord(record), 'utf8'))
}
