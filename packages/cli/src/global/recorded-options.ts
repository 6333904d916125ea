/** What of a command line an update must know to find the same thing again, as words of it. */
import { resolve } from 'node:path'
import type { Context } from '../command.ts'
import { globalOptions } from '../common-options.ts'
import { type Arguments, parseArguments, UsageError } from '../parse-arguments.ts'
import { resolveSettings, type Settings } from '../settings.ts'
import { globalCommands } from './global-catalogue.ts'
import type { ToolRecord } from './tool-record.ts'

/** Words for `contextOf`. */
export function recordedOptions(
  { arguments: given }: Context,
  settings: Settings,
  platform: string | undefined,
): string[] {
  if (given.value('expr') !== undefined) {
    throw new UsageError('--expr cannot be evaluated again by an update', { hint: 'write it into a file, for --file' })
  }
  const words = (name: string, values: readonly string[]) => values.flatMap((value) => [`--${name}`, value])
  const own = (name: string, value: (given: string) => string = (one) => one) =>
    words(name, given.values(name).map(value))
  const nixVersion = given.value('nix-version') ?? settings.nixVersion
  return [
    ...words('file', settings.stack === undefined ? [] : [settings.stack]),
    ...words('platform', platform === undefined ? [] : [platform]),
    ...given.pairs('arg').flatMap(([name, text]) => ['--arg', name, text]),
    ...given.pairs('argstr').flatMap(([name, text]) => ['--argstr', name, text]),
    ...own('include', absoluteEntry),
    ...words('nix-version', nixVersion === undefined ? [] : [nixVersion]),
    ...own('experimental-feature'),
    ...given.pairs('lint').flatMap(([name, level]) => ['--lint', name, level]),
    ...own('max-call-depth'),
    ...own('repository', absolutePlace),
    ...own('key', (file) => resolve(file)),
    ...own('substituter', absolutePlace),
    ...own('trusted-public-key'),
    ...own('sandbox'),
  ]
}

/** The context in which the tool was installed, under what the present command line says of building and fetching. */
export function contextOf(context: Context, tool: ToolRecord, root: string): Context {
  const install = globalCommands.find(({ name }) => name === 'global install')!
  const command = { ...install, options: [...install.options, ...globalOptions] }
  const recorded = parseArguments(command, [...tool.options, '--', tool.request])
  return {
    command,
    arguments: layered(context, recorded),
    terminal: context.terminal,
    json: context.json,
    verbose: context.verbose,
    get signal() {
      return context.signal
    },
    settings: (request) =>
      resolveSettings(
        { root, storeDirectory: tool.storeDirectory, environment: process.env, currentDirectory: process.cwd() },
        request,
      ),
  }
}

function layered({ command, arguments: given }: Context, recorded: Arguments): Arguments {
  const declared = new Set(command.options.map(({ name }) => name))
  return {
    operands: recorded.operands,
    command: undefined,
    flag: (name) => (declared.has(name) && given.flag(name)) || recorded.flag(name),
    value: (name) => (declared.has(name) ? given.value(name) : undefined) ?? recorded.value(name),
    values: (name) => (declared.has(name) && given.values(name).length > 0 ? given : recorded).values(name),
    pairs: (name) => recorded.pairs(name),
    number: (name) => (declared.has(name) ? given.number(name) : undefined) ?? recorded.number(name),
  }
}

/** `-I PATH` or `-I NAME=PATH`. */
function absoluteEntry(entry: string): string {
  const [, name = '', path = entry] = /^([^/=]+=)(.*)$/s.exec(entry) ?? []
  return /^[a-z][a-z0-9+.-]*:/i.test(path) ? entry : `${name}${resolve(path)}`
}

function absolutePlace(place: string): string {
  return /^[a-z0-9+]+:\/\//i.test(place) ? place : resolve(place)
}
