/**
 * Environments as xenv describes them: `NAME.xenv`, XML in the namespace `EnvSchema`. Behaviour as of xenv, EnvConfig and lb-run.
 *
 *     <env:config xmlns:env="EnvSchema">
 *       <env:include>Gaudi.xenv</env:include>
 *       <env:prepend variable="PATH">${.}/bin</env:prepend>
 *     </env:config>
 */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UserError } from '@baryon/format'
import { readXml, type XmlElement } from './read-xml.ts'

export interface XenvRequest {
  readonly file: string
  /** Directories in which included files are looked for. */
  readonly searchPath: readonly string[]
  /** What the variables begin with. */
  readonly environment: NodeJS.ProcessEnv
  /** Whether a directory in the value of a variable will be there; what will not is left out. */
  readonly exists: (path: string) => boolean
}

/** The variables after the file. Throws `XENV_FILE` for what cannot be found or understood. */
export function applyXenv({ file, searchPath, environment, exists }: XenvRequest): NodeJS.ProcessEnv {
  const variables = new Map<string, Variable>()
  const read = new Set<string>()
  const get = (name: string): Variable => {
    const known = variables.get(name)
    if (known !== undefined) return known
    const made = { isList: /PATH|DIRS/.test(name), isLocal: false, value: environment[name] }
    variables.set(name, made)
    return made
  }
  load(file)
  return finish()

  function load(path: string): void {
    if (read.has(path)) return
    read.add(path)
    const root = readXml(path)
    if (root.name !== 'config' || root.namespace !== SCHEMA) {
      throw new UserError('XENV_FILE', `${path} is no environment of xenv: its element is '${root.name}'`)
    }
    for (const element of root.children) if (element.namespace === SCHEMA) apply(element, path)
  }

  function apply(element: XmlElement, path: string): void {
    const expand = (text: string) => expandVariables(text, dirname(path), (name) => get(name).value)
    // Lines around a value are how the file is laid out; blanks are part of it.
    const text = element.text.replace(/^\s*\n\s*|\s*\n\s*$/g, '')
    if (element.name === 'include') {
      include(expand(text), path, element.attributes.get('hints'))
      return
    }
    const name = element.attributes.get('variable')
    if (name === undefined || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UserError('XENV_FILE', `${path}: <${element.name}> has no good 'variable': ${name ?? ''}`)
    }
    const variable = get(name)
    const isEmpty = variable.value === undefined || variable.value === ''
    switch (element.name) {
      case 'declare':
        if (element.attributes.has('type')) variable.isList = element.attributes.get('type') === 'list'
        variable.isLocal = element.attributes.get('local') === 'true'
        return
      case 'set':
        variable.value = expand(text)
        return
      case 'default':
        if (isEmpty) variable.value = expand(text)
        return
      case 'unset':
        variable.value = undefined
        return
      case 'append':
      case 'prepend': {
        const more = expand(text)
        const parts = isEmpty ? [more] : element.name === 'append' ? [variable.value, more] : [more, variable.value]
        variable.value = parts.join(variable.isList ? ':' : '')
        return
      }
      case 'remove':
      case 'remove-regexp': {
        if (isEmpty) return
        const gone = element.name === 'remove' ? expand(text) : patternOf(text, path)
        variable.value = variable.isList
          ? variable
              .value!.split(':')
              .filter((item) => (typeof gone === 'string' ? item !== gone : item.search(gone) < 0))
              .join(':')
          : variable.value!.replaceAll(gone, '')
        return
      }
      default:
        throw new UserError('XENV_FILE', `${path}: unknown element <${element.name}>`)
    }
  }

  function include(name: string, from: string, hints = ''): void {
    const own = environment.ENVXMLPATH?.split(':').filter(Boolean) ?? []
    const places = [dirname(from), '.', ...own, ...searchPath, ...hints.split(':').filter(Boolean)]
    const found = places.map((place) => resolve(place, name)).find((path) => existsSync(path))
    if (found === undefined)
      throw new UserError('XENV_FILE', `${from} includes '${name}', which is in none of ${places.join(':')}`)
    load(found)
  }

  function finish(): NodeJS.ProcessEnv {
    const result = { ...environment }
    for (const [name, { value, isList, isLocal }] of variables) {
      if (value === undefined || isLocal) delete result[name]
      else
        result[name] = isList
          ? listOf(name, value, environment.LB_NO_STRIP_PATH === undefined ? exists : () => true)
          : value
    }
    return result
  }
}

interface Variable {
  isList: boolean
  /** For the other variables alone. */
  isLocal: boolean
  value: string | undefined
}

const SCHEMA = 'EnvSchema'

/** Normalised, each once, without what is not there. A zip file of Python modules stands for its directory. */
function listOf(name: string, value: string, exists: (path: string) => boolean): string {
  const items = value.split(':').map((item) => {
    const path = item.startsWith('/') ? resolve(item) : item
    return name === 'PYTHONPATH' && existsSync(`${path}.zip`) ? `${path}.zip` : path
  })
  return [...new Set(items.filter((item) => item !== '' && exists(item)))].join(':')
}

/** `$V`, `${V}` and `$(V)`; `${.}` is the directory of the file. What is not known stays. */
function expandVariables(text: string, directory: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(
    /\$(?:\{(\.|\w+)\}|\((\w+)\)|([A-Za-z_]\w*))/g,
    (all, braced?: string, round?: string, bare?: string) => {
      const name = braced ?? round ?? bare!
      return name === '.' ? directory : (lookUp(name) ?? all)
    },
  )
}

function patternOf(text: string, path: string): RegExp {
  try {
    return new RegExp(text, 'g')
  } catch (cause) {
    throw new UserError('XENV_FILE', `${path}: '${text}' is no regular expression`, { cause })
  }
}
