export { type ServeRepositoryOptions, serveRepository } from './src/serve-repository.ts'
