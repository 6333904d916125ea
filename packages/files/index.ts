export { homeDirectory, userCacheDirectory } from './src/home-directory.ts'
export { listDirectory } from './src/list-directory.ts'
export { makeDirectories } from './src/make-directories.ts'
