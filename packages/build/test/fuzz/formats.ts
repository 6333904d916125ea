import type { Format } from './format.ts'
import { archives } from './formats/archives.ts'
import { compressions } from './formats/compressions.ts'
import { nixFormats } from './formats/nix-formats.ts'
import { storeFiles } from './formats/store-files.ts'

/** Everything that is read from outside. A new format is one more entry in one of the lists. */
export const FORMATS: readonly Format[] = [...nixFormats, ...compressions, ...archives, ...storeFiles]
