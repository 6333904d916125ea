import { constants } from 'node:buffer'
import { closeSync, openSync, readFileSync, readSync, type Stats } from 'node:fs'
import { EvaluationError, StringTooLongError } from '@baryon/language'

/**
 * All of a file as bytes, `path` in errors. What has no end ends in an error: of a device only so much is read as nobody
 * types, of a pipe what a string can hold.
 */
export function readWholeFile(place: string | Buffer, stat: Stats, path: string): string {
  if (stat.isFile()) {
    if (stat.size > constants.MAX_STRING_LENGTH) throw new StringTooLongError()
    return readFileSync(place, 'latin1')
  }
  const isDevice = stat.isCharacterDevice() || stat.isBlockDevice()
  const limit = isDevice ? DEVICE_LIMIT : constants.MAX_STRING_LENGTH
  const chunks: Buffer[] = []
  let size = 0
  const fd = openSync(place, 'r')
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE)
      const length = readSync(fd, chunk)
      if (length === 0) break
      chunks.push(chunk.subarray(0, length))
      size += length
      if (size <= limit) continue
      if (!isDevice) throw new StringTooLongError()
      throw new EvaluationError('EVAL_FILE', `reading from file '${path}': it is a device, and has no end`)
    }
  } finally {
    closeSync(fd)
  }
  return Buffer.concat(chunks).toString('latin1')
}

const DEVICE_LIMIT = 1 << 24
const CHUNK_SIZE = 1 << 16
