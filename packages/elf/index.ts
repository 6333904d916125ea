export * from './src/edit-elf.ts'
export * from './src/parse-elf.ts'
