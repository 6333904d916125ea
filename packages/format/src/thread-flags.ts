/**
 * What threads of ours are started with, whatever our own process was (`--test`, `--input-type` and flags of the engine may
 * not suit them). Node warns of `node:ffi` once in each that is not told to keep silent.
 */
export const THREAD_FLAGS: string[] = ['--disable-warning=ExperimentalWarning']
