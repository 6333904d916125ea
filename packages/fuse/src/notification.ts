import { HEADER, writeHeader } from './answer.ts'

/**
 * Tells the kernel, without having been asked, to ask for every name once more before it uses it: a header without a unique number, with
 * the code in the place of the error. For kernels that speak 7.44 or later (Linux 6.16).
 */
export function formatNewEpoch(): Buffer {
  const message = Buffer.alloc(HEADER)
  writeHeader(message, 0, message.length, NEW_EPOCH)
  return message
}

/** Minor version of the protocol. */
export const EPOCHS_SINCE = 44
const NEW_EPOCH = 8
