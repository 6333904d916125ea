import { main } from './src/main.ts'

const [program, ...words] = process.argv.slice(2)
// Not process.exit: a stream that still has something to write ends first.
process.exitCode = await main(program ?? 'baryon', words)
