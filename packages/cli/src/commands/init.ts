import { writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { parseReleaseOperand } from '@baryon/environment'
import { makeDirectories } from '@baryon/files'
import { isSystemError, UserError } from '@baryon/format'
import type { Context, Outcome } from '../command.ts'
import { parseProject } from '../project/project-file.ts'
import { parseToml } from '../read-toml.ts'

export async function run(context: Context): Promise<Outcome> {
  const [given = '.'] = context.arguments.operands
  const release = context.arguments.value('release')
  if (release !== undefined) parseReleaseOperand(release)
  const directory = resolve(given)
  const file = join(directory, 'baryon.toml')
  const text = template(await outerStack(context, directory), release, context.arguments.values('package'))
  parseProject({ file, text, table: await parseToml(text, file, 'CONFIGURATION') })
  try {
    makeDirectories(directory)
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    if (!isSystemError(error, 'EEXIST', 'ENOTDIR')) throw error
    throw new UserError('PROJECT_EXISTS', `${file} is there already`, {
      hint: 'it is left as it is; packages come into it with: baryon add NAME',
      cause: error,
    })
  }
  context.terminal.err(
    `${relative(process.cwd(), file)} is written; next: baryon add PACKAGE, baryon run TASK, baryon shell\n`,
  )
  return { data: { file, directory } }
}

/** The stack of a baryon.toml above, which the new one hides; as the new one has to write it. */
async function outerStack(context: Context, directory: string): Promise<string | undefined> {
  const { configuration } = await context.settings()
  const stack = configuration?.table.stack
  if (typeof stack !== 'string' || !directory.startsWith(`${dirname(configuration!.file)}/`)) return undefined
  return relative(directory, resolve(dirname(configuration!.file), stack))
}

function template(stack: string | undefined, release: string | undefined, packages: readonly string[]): string {
  const text = (value: string): string => JSON.stringify(value)
  return `# What this project needs. baryon run TASK and baryon shell work here and below; baryon.lock pins it all by hash.
${stack === undefined ? '' : `\nstack = ${text(stack)}`}
${release === undefined ? '# release = "HEP/1.0"' : `release = ${text(release)}`}   # all of a release: baryon release list
packages = [${packages.map(text).join(', ')}]   # and these of the stack: baryon stack list, baryon add NAME

[variables]   # @project@ is this directory; nothing else in a text is expanded
# OMP_NUM_THREADS = "4"
# PYTHONPATH = { prepend = "@project@/lib" }   # before what it holds; append = … behind it

[tasks]   # commands of the shell, which run in this directory: baryon run fit --seed 2
# fit = "python3 fit.py"
# plot = { command = "root -l -b -q plot.C", depends-on = ["fit"], directory = "plots" }
`
}
