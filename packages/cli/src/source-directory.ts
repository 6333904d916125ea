import { join } from 'node:path'
import type { Settings } from './settings.ts'

/** The archive of sources, which all stores of a root share. */
export function sourceDirectory(settings: Settings): string {
  return join(settings.root, 'source')
}
