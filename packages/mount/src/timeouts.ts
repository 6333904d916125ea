import type { Timeouts } from '@baryon/fuse'

/**
 * Seconds for which the kernel answers by itself. Names can be long-lived where the kernel can be told that there is a new revision; elsewhere
 * they are as short-lived as the real client's.
 */
export function timeouts({ hasEpochs }: { readonly hasEpochs: boolean }): Timeouts {
  return { entry: hasEpochs ? DAY : MINUTE, directory: MINUTE }
}

const MINUTE = 60
const DAY = 24 * 3600
