import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Directories, and files where the name ends in `=`; made as they are written. */
const TREE = [
  'software/releases/v1/lib/file=',
  'software/releases/v1/.git/objects',
  'software/releases/v2/lib/deep/er/file=',
  'software/releases/.hidden/file=',
  'software/releases/file=',
  'software/tools.svn/x',
  'software/tools/a|b',
  'software/tools/[ab]',
  'software/tools/a',
  'software/tools/b',
  'software/tools/-',
  'software/tools/ab',
  'software/tools/*',
  'software/tools/a\\b',
  'software/tools/über/file=',
  'software/tools/a b',
  'conditions/run-01/f=',
  'conditions/run-02/.cvmfscatalog=',
  'conditions/run-123',
]

export function makeDirtabTree(top: string): void {
  for (const path of TREE) {
    if (!path.endsWith('=')) mkdirSync(join(top, path), { recursive: true })
    else {
      mkdirSync(dirname(join(top, path)), { recursive: true })
      writeFileSync(join(top, path.slice(0, -1)), path)
    }
  }
  symlinkSync('v1', join(top, 'software/releases/current'))
}

/** With what the manual shows, and with what only the sources tell. */
export const DIRTABS: readonly string[] = [
  '# nothing\n\n',
  '/software/releases/*\n',
  '/software/releases/*',
  '/software\n/software/*\n/software/releases/*\n',
  '/*\n',
  '/*/*/*\n! *.git\n! *.svn\n',
  '/*/*\n! *.svn\n',
  '/software/*/*\n! /software/releases\n',
  '/software/*/*\n! /software/releases/*\n',
  '/software/*/*\n! /software/tools/?\n',
  '/software/releases/*\n! */v?\n',
  '/software/releases/*\n! v1\n',
  '/software/releases/*\n! *v1/\n',
  '/software/*/*/*/*\n!*/deep\n',
  '/software/releases/*/*/*\n! /software/*/er\n',
  '/conditions/run-??\n',
  '/conditions/run-[0-9][1-9]\n',
  '/software/tools/[ab]\n',
  '/software/tools/[!a-c]*\n',
  '/software/tools/[]*-]\n',
  '/software/tools/[^\\]a]*\n',
  '/software/tools/[a\n',
  '/software/tools/\\*\n',
  '/software/tools/\\?\n',
  '/software/tools/a\\\\\\\\b\n',
  '/software/tools/a\\\\b\n',
  '/software/tools/a\\b\n',
  '/software/tools/a\\\n',
  '/software/tools/\\\n',
  '/software/tools/?\n',
  '/software/tools/**\n! /software/tools/?*?\n',
  '/software/tools/*\n! /software/tools/a|b\n',
  '/software/tools/*\n! /software/tools/[ab]\n',
  '/software/tools/*\n! /software/tools/a?b\n',
  '/software/tools/a b\n',
  '/software/tools/????\n',
  '/software/tools/?????\n',
  '  /conditions/* \t\n',
  '\t/conditions/*\n',
  '\t# a tab before it\n',
  '   # blanks before it\n/conditions/*\n',
  '/conditions/* # behind it\n',
  '/conditions/*\r\n',
  '//conditions//run-01/\n',
  '/conditions/run-01\n! /conditions/run-01\n',
  '/conditions/run-01/\n!  //conditions/run-01\n',
  '/conditions/*\n! /conditions/run-*\n',
  'conditions/*\n',
  '/\n',
  '! \n/conditions/*\n',
  '!\n',
  '/nowhere/*\n',
  '/software/releases/current\n',
  '/software/releases/file\n',
  '/software/releases/v1\n/software/releases/v1/lib\n',
  '/software/releases/v1/lib\n/software/releases/v1\n',
]
