export { listDirectory } from './src/list-directory.ts'
export { makeDirectories } from './src/make-directories.ts'
