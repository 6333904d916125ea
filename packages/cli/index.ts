export { main } from './src/main.ts'
