/**
 * A program of an environment as one small file in a directory of `PATH`. It starts nothing of ours, only `/bin/sh`:
 *
 * ```sh
 * #!/bin/sh
 * # baryon global: {"tool":"fastjet","version":"3.4.1","registry":"/home/ada/.local/share/baryon/global"}
 * if [ ! -e /cvmfs/…-fastjet-3.4.1 ] && …; then echo 'error[GLOBAL_LOST]: …' >&2; exit 1; fi
 * baryon_launch() { … }
 * baryon_launch "$@"
 * ```
 */
import { formatLaunch, type Launch } from './launch-script.ts'
import { quotePosix } from './shell.ts'

/** Whose wrapper it is. */
export interface WrapperOwner {
  readonly tool: string
  readonly version: string
  /** The directory with the records of the tools. */
  readonly registry: string
}

/** `program` is the logical path of what runs. */
export function formatWrapper(owner: WrapperOwner, launch: Launch, program: string): string {
  const { tool, version, registry } = owner
  return [
    '#!/bin/sh',
    `${MARK}${JSON.stringify({ tool, version, registry })}`,
    ...launch.paths.map((path) => checkPresence(owner, launch, path)),
    `${formatLaunch({ ...launch, leading: [program], defaultCommand: undefined })}baryon_launch "$@"`,
    '',
  ].join('\n')
}

/** Undefined: the text is no wrapper. The first two lines are enough. */
export function parseWrapperOwner(text: string): WrapperOwner | undefined {
  const [first, second = ''] = text.split('\n', 2)
  if (first !== '#!/bin/sh' || !second.startsWith(MARK)) return undefined
  try {
    const value = JSON.parse(second.slice(MARK.length)) as Partial<WrapperOwner> | null
    const { tool, version, registry } = value ?? {}
    const isRight = [tool, version, registry].every((field) => typeof field === 'string')
    return isRight ? { tool: tool!, version: version!, registry: registry! } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const MARK = '# baryon global: '

function checkPresence({ tool, version }: WrapperOwner, launch: Launch, path: string): string {
  const { storeDirectory, physicalDirectory, tier } = launch
  // Without a tier nothing shows it anywhere else.
  const places = tier === undefined ? [path] : [path, physicalDirectory + path.slice(storeDirectory.length)]
  const message = [
    `error[GLOBAL_LOST]: ${tool} ${version} is installed, but ${path} is not there any more`,
    `hint: baryon global update ${tool}`,
  ]
  return `if ${places.map((place) => `[ ! -e ${quotePosix(place)} ]`).join(' && ')}; then
  printf '%s\\n' ${message.map(quotePosix).join(' ')} >&2
  exit 1
fi`
}
