/**
 * Programs of the language by chance: mostly such that have a value, some that fail, with all of the syntax and most of the
 * builtins of Nix 2.8 that depend on nothing outside.
 */

import { randomNumbers } from '@baryon/testing'

type Type = 'int' | 'float' | 'bool' | 'string' | 'ints' | 'strings' | 'attrs' | 'function' | 'null' | 'derivation'

const TYPES: readonly Type[] = [
  'int',
  'float',
  'bool',
  'string',
  'ints',
  'strings',
  'attrs',
  'function',
  'null',
  'derivation',
]

/** Names of variables and attributes: some need quotes, some are also builtins or keywords elsewhere. */
const NAMES = ['a', 'b', 'c', "d'", 'e-e', '_f', 'x', 'y', 'z', 'map', 'or', 'toString', 'true'] as const
const ATTRIBUTE_NAMES = ['a', 'b', 'c', "d'", 'e-e', '_f', 'x', '"y z"', '"1"', '""', '"a"', 'name'] as const

const WORDS = [
  '',
  'a',
  'foo',
  'bar-1.2.3',
  'x y',
  '\\n',
  '\\"',
  '\\${',
  "''",
  '$$',
  '/nix',
  '1.0pre3',
  'a.b',
  '[',
  'ü',
] as const

interface Variable {
  readonly name: string
  readonly type: Type
}

/** The same number gives the same program. */
export function generateProgram(seed: number): string {
  return new Generator(seed).expression(TYPES[seed % TYPES.length]!, 5, [])
}

class Generator {
  readonly #random: () => number

  constructor(seed: number) {
    // Neighbours have nothing in common.
    this.#random = randomNumbers(seed * 2_654_435_761)
  }

  #below(limit: number): number {
    return (this.#random() * 2 ** 32) % limit
  }

  #chance(percent: number): boolean {
    return this.#below(100) < percent
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }

  #repeat<T>(least: number, most: number, make: (index: number) => T): T[] {
    return Array.from({ length: least + this.#below(most - least + 1) }, (_, i) => make(i))
  }

  expression(wanted: Type, depth: number, scope: readonly Variable[]): string {
    const type = this.#chance(3) ? this.#pick(TYPES) : wanted
    if (depth <= 0) return this.#leaf(type, scope)
    if (this.#chance(2)) return this.#failing(type, depth - 1, scope)
    if (this.#chance(35)) return this.#structure(type, depth - 1, scope)
    return this.#operation(type, depth - 1, scope)
  }

  #leaf(type: Type, scope: readonly Variable[]): string {
    const known = scope.filter((variable) => variable.type === type)
    if (known.length > 0 && this.#chance(60)) return this.#pick(known).name
    switch (type) {
      case 'int':
        return this.#pick(['0', '1', '2', '7', '(-3)', '42', '9223372036854775807', '100'])
      case 'float':
        return this.#pick(['0.5', '1.0', '(-2.25)', '1.0e10', '.5', '3.14159', '1.0e-7'])
      case 'bool':
        return this.#pick(['true', 'false'])
      case 'string':
        return this.#text([])
      case 'ints':
        return this.#pick(['[ ]', '[ 1 ]', '[ 3 1 2 ]', '[ 2 2 (-1) 0 ]'])
      case 'strings':
        return this.#pick(['[ ]', '[ "a" ]', '[ "b" "a" "" ]', '[ "x" "x" "foo-1.0" ]'])
      case 'attrs':
        return this.#pick([
          '{ }',
          '{ a = 1; }',
          '{ b = "x"; a = 2; }',
          '{ a.b.c = 3; x = null; }',
          'rec { a = 1; b = a; }',
        ])
      case 'function':
        return this.#pick([
          '(x: x)',
          '(x: y: x)',
          '({ a ? 1, ... }: a)',
          '({ a, b ? a }@c: c)',
          'builtins.typeOf',
          'toString',
        ])
      case 'null':
        return 'null'
      case 'derivation':
        return '(derivation { name = "n"; system = "s"; builder = "b"; })'
    }
  }

  /** A literal with interpolations. */
  #text(inner: readonly string[]): string {
    const parts = [...this.#repeat(1, 2, () => this.#pick(WORDS)), ...inner.map((code) => `\${${code}}`)]
    if (this.#chance(20)) {
      const lines = parts.map((part) => `  ${part.replace("''", 'q').replace('\\${', "''${").replace('\\"', '"')}`)
      return `''\n${lines.join('\n    ')}\n  ''`
    }
    return `"${parts.join(this.#pick(['', ' ', '-']))}"`
  }

  #failing(type: Type, depth: number, scope: readonly Variable[]): string {
    switch (this.#below(8)) {
      case 0:
        return `(throw ${this.expression('string', depth, scope)})`
      case 1:
        return `(abort "stop")`
      case 2:
        return `(assert ${this.expression('bool', depth, scope)}; ${this.expression(type, depth, scope)})`
      case 3:
        return `(${this.expression('attrs', depth, scope)}).missing`
      case 4:
        return `(builtins.head ${this.expression('ints', 0, scope)})`
      case 5:
        return `(${this.expression('function', depth, scope)} ${this.expression(this.#pick(TYPES), 0, scope)})`
      case 6:
        return `(let loop = loop; in loop)`
      default:
        return `(builtins.${this.#pick(['nothing', 'elemAt [ ]', 'fromJSON "[1,"', 'substring (-1) 2 "abc"'])})`
    }
  }

  /** What is around an expression of the type. */
  #structure(type: Type, depth: number, scope: readonly Variable[]): string {
    const inner = (more: readonly Variable[] = []): string =>
      this.expression(type, depth, [...scope.filter(({ name }) => !more.some((one) => one.name === name)), ...more])
    switch (this.#below(12)) {
      case 0:
      case 1: {
        const variables = this.#variables(1, 3)
        const bindings = variables.map(
          (one) =>
            `${one.name} = ${this.expression(one.type, depth, [...scope, ...(this.#chance(30) ? variables : [])])};`,
        )
        return `(let ${bindings.join(' ')} in ${inner(variables)})`
      }
      case 2: {
        const [variable] = this.#variables(1, 1) as [Variable]
        return `((${variable.name}: ${inner([variable])}) ${this.expression(variable.type, depth, scope)})`
      }
      case 3: {
        const variables = this.#variables(1, 3)
        const formals = variables.map(({ name, type: one }) =>
          this.#chance(40) ? `${name} ? ${this.expression(one, depth, scope)}` : name,
        )
        const given = variables.filter((_, i) => !formals[i]!.includes('?') || this.#chance(50))
        const attributes = given.map((one) => `${one.name} = ${this.expression(one.type, depth, scope)};`)
        const open = this.#chance(30) ? ', ...' : ''
        const at = this.#chance(30) ? '@all' : ''
        return `(({ ${formals.join(', ')}${open} }${at}: ${inner(variables)}) { ${attributes.join(' ')}${this.#chance(5) ? ' extra = 1;' : ''} })`
      }
      case 4:
        return `(if ${this.expression('bool', depth, scope)} then ${inner()} else ${inner()})`
      case 5: {
        const variables = this.#variables(1, 2)
        const attributes = variables.map((one) => `${one.name} = ${this.expression(one.type, depth, scope)};`)
        const unbound = variables.filter(
          ({ name }) => !scope.some((one) => one.name === name) && !['map', 'toString', 'true'].includes(name),
        )
        return `(with { ${attributes.join(' ')} }; ${inner(unbound)})`
      }
      case 6: {
        const name = this.#pick(ATTRIBUTE_NAMES)
        const set = `${this.#chance(30) ? 'rec ' : ''}{ ${name} = ${inner()}; other = ${this.expression(this.#pick(TYPES), 0, scope)}; }`
        return `${set}.${name}${this.#chance(20) ? ` or ${this.#atom(inner())}` : ''}`
      }
      case 7:
        return `(${this.expression('attrs', depth, scope)}.${this.#pick(ATTRIBUTE_NAMES)}.${this.#pick(ATTRIBUTE_NAMES)} or ${this.#atom(inner())})`
      case 8: {
        const result = `builtins.tryEval (${inner()})`
        return `(let r = ${result}; in if r.success then r.value else ${this.#leaf(type, scope)})`
      }
      case 9:
        return `(builtins.${this.#pick(['seq', 'deepSeq'])} ${this.#atom(this.expression(this.#pick(['int', 'ints', 'strings']), depth, scope))} ${this.#atom(inner())})`
      case 10:
        return `(builtins.elemAt [ ${this.#atom(inner())} ${this.#atom(inner())} ] ${this.#below(2)})`
      default:
        return `(builtins.foldl' (x: y: y) null [ ${this.#atom(inner())} ])`
    }
  }

  #variables(least: number, most: number): Variable[] {
    const made: Variable[] = []
    for (const name of this.#repeat(least, most, () => this.#pick(NAMES))) {
      if (name === 'or' || made.some((one) => one.name === name)) continue
      made.push({ name, type: this.#pick(TYPES) })
    }
    return made.length === 0 ? [{ name: 'v', type: this.#pick(TYPES) }] : made
  }

  /** In brackets, unless it is a word. */
  #atom(text: string): string {
    return /^[\w.]+$/.test(text) && !/^\d/.test(text) ? text : `(${text})`
  }

  #operation(type: Type, depth: number, scope: readonly Variable[]): string {
    const e = (wanted: Type): string => this.#atom(this.expression(wanted, depth, scope))
    const any = (): string => e(this.#pick(TYPES))
    const functionOf = (from: Type, to: Type): string => {
      const name = this.#pick(['i', 'j', 'k'])
      return `(${name}: ${this.expression(to, depth, [...scope.filter((one) => one.name !== name), { name, type: from }])})`
    }
    const make = this.#pick(OPERATIONS[type])
    return make({
      e,
      any,
      functionOf,
      text: (inner) => this.#text(inner),
      pick: (items) => this.#pick(items),
      leaf: () => this.#leaf(type, scope),
    })
  }
}

interface Parts {
  /** An expression of that type, in brackets. */
  readonly e: (type: Type) => string
  readonly any: () => string
  readonly functionOf: (from: Type, to: Type) => string
  readonly text: (inner: readonly string[]) => string
  readonly pick: <T>(items: readonly T[]) => T
  readonly leaf: () => string
}

type Make = (parts: Parts) => string

const LISTS: readonly Type[] = ['ints', 'strings']

const OPERATIONS: Readonly<Record<Type, readonly Make[]>> = {
  int: [
    ({ e, pick }) => `${e('int')} ${pick(['+', '-', '*'])} ${e('int')}`,
    ({ e }) => `${e('int')} / ${e('int')}`,
    ({ e }) => `-${e('int')}`,
    ({ e, pick }) => `builtins.length ${e(pick(LISTS))}`,
    ({ e }) => `builtins.stringLength ${e('string')}`,
    ({ e }) => `builtins.foldl' (x: y: x + y) 0 ${e('ints')}`,
    ({ e, pick }) =>
      `builtins.${pick(['bitAnd', 'bitOr', 'bitXor', 'sub', 'add', 'mul', 'div'])} ${e('int')} ${e('int')}`,
    ({ e, pick }) => `builtins.${pick(['ceil', 'floor'])} ${e('float')}`,
    ({ e }) => `builtins.compareVersions ${e('string')} ${e('string')}`,
    ({ e }) => `builtins.head (builtins.sort builtins.lessThan ${e('ints')})`,
    ({ e }) => `builtins.fromJSON (builtins.toJSON ${e('int')})`,
    ({ e }) => `builtins.length (builtins.attrNames ${e('attrs')})`,
    ({ e, leaf }) => `${e('attrs')}.a or ${leaf()}`,
    ({ leaf }) => leaf(),
  ],
  float: [
    ({ e, pick }) => `${e('float')} ${pick(['+', '-', '*', '/'])} ${e(pick(['int', 'float']))}`,
    ({ e }) => `-${e('float')}`,
    ({ e }) => `builtins.fromJSON (builtins.toJSON ${e('float')})`,
    ({ e, pick }) => `builtins.${pick(['sub', 'add', 'mul', 'div'])} ${e('int')} ${e('float')}`,
    ({ leaf }) => leaf(),
  ],
  bool: [
    ({ e, pick }) => `${e('bool')} ${pick(['&&', '||', '->'])} ${e('bool')}`,
    ({ e }) => `!${e('bool')}`,
    ({ e, any, pick }) => (pick([true, false]) ? `${any()} == ${any()}` : `${e('attrs')} != ${e('attrs')}`),
    ({ e, pick }) => {
      const type = pick(['int', 'float', 'string', 'ints', 'strings'] as const)
      return `${e(type)} ${pick(['<', '<=', '>', '>='])} ${e(type)}`
    },
    ({ e, pick }) => `${e('attrs')} ? ${pick(ATTRIBUTE_NAMES)}`,
    ({ e, pick }) => `${e('attrs')} ? ${pick(ATTRIBUTE_NAMES)}.${pick(ATTRIBUTE_NAMES)}`,
    ({ e }) => `builtins.hasAttr ${e('string')} ${e('attrs')}`,
    ({ any, pick }) =>
      `builtins.is${pick(['Int', 'Float', 'Bool', 'String', 'List', 'Attrs', 'Function', 'Null', 'Path'])} ${any()}`,
    ({ e, functionOf, pick }) => `builtins.${pick(['any', 'all'])} ${functionOf('int', 'bool')} ${e('ints')}`,
    ({ e }) => `builtins.elem ${e('string')} ${e('strings')}`,
    ({ any }) => `(builtins.tryEval ${any()}).success`,
    ({ e }) => `builtins.hasContext ${e('string')}`,
    ({ leaf }) => leaf(),
  ],
  string: [
    ({ e }) => `${e('string')} + ${e('string')}`,
    ({ e, text }) => text([e('string')]),
    ({ e, text }) => text([`toString ${e('int')}`, e('string')]),
    ({ any, pick }) => `${pick(['toString', 'builtins.toJSON', 'builtins.toXML', 'builtins.typeOf'])} ${any()}`,
    ({ e, pick }) => `builtins.substring ${pick([0, 1, 2])} ${e('int')} ${e('string')}`,
    ({ e }) => `builtins.concatStringsSep ${e('string')} ${e('strings')}`,
    ({ e }) => `builtins.replaceStrings ${e('strings')} ${e('strings')} ${e('string')}`,
    ({ e, pick }) => `builtins.hashString "${pick(['md5', 'sha1', 'sha256', 'sha512'])}" ${e('string')}`,
    ({ e, pick }) =>
      `builtins.${pick(['unsafeDiscardStringContext', 'unsafeDiscardOutputDependency', 'baseNameOf', 'dirOf'])} ${e('string')}`,
    ({ e, pick }) => `(builtins.parseDrvName ${e('string')}).${pick(['name', 'version'])}`,
    ({ e, pick }) => `${e('derivation')}.${pick(['name', 'system', 'outputName', 'type', 'drvPath', 'outPath'])}`,
    ({ e, text }) => text([e('derivation')]),
    ({ e }) => `builtins.head ${e('strings')}`,
    ({ e }) => `builtins.concatStringsSep "," (builtins.attrNames (builtins.getContext ${e('string')}))`,
    ({ pick }) => `builtins.placeholder "${pick(['out', 'dev', ''])}"`,
    ({ leaf }) => leaf(),
  ],
  ints: [
    ({ e }) => `[ ${e('int')} ${e('int')} ]`,
    ({ e }) => `${e('ints')} ++ ${e('ints')}`,
    ({ e, functionOf }) => `map ${functionOf('int', 'int')} ${e('ints')}`,
    ({ e, functionOf }) => `builtins.filter ${functionOf('int', 'bool')} ${e('ints')}`,
    ({ functionOf, pick }) => `builtins.genList ${functionOf('int', 'int')} ${pick([0, 1, 3])}`,
    ({ e, functionOf }) => `builtins.concatMap ${functionOf('int', 'ints')} ${e('ints')}`,
    ({ e, pick }) => `builtins.sort (x: y: x ${pick(['<', '>'])} y) ${e('ints')}`,
    ({ e }) => `builtins.concatLists [ ${e('ints')} ${e('ints')} ]`,
    ({ e }) => `builtins.tail ${e('ints')}`,
    ({ e, functionOf, pick }) =>
      `(builtins.partition ${functionOf('int', 'bool')} ${e('ints')}).${pick(['right', 'wrong'])}`,
    ({ e, pick }) => `builtins.catAttrs "${pick(['a', 'b'])}" [ ${e('attrs')} ${e('attrs')} ]`,
    ({ e }) =>
      `map (x: x.key) (builtins.genericClosure { startSet = map (key: { inherit key; }) ${e('ints')}; operator = { key }: if key > 0 then [ { key = key / 2; } ] else [ ]; })`,
    ({ e }) => `builtins.fromJSON (builtins.toJSON ${e('ints')})`,
    ({ e }) => `builtins.attrValues ${e('attrs')}`,
    ({ leaf }) => leaf(),
  ],
  strings: [
    ({ e }) => `[ ${e('string')} ${e('string')} ]`,
    ({ e }) => `${e('strings')} ++ ${e('strings')}`,
    ({ e, functionOf }) => `map ${functionOf('string', 'string')} ${e('strings')}`,
    ({ e, functionOf }) => `map ${functionOf('int', 'string')} ${e('ints')}`,
    ({ e }) => `builtins.sort (x: y: x < y) ${e('strings')}`,
    ({ e }) => `builtins.attrNames ${e('attrs')}`,
    ({ e }) => `builtins.splitVersion ${e('string')}`,
    ({ e, pick }) => `builtins.split "${pick(['a', '(x)|(y)', '[.-]', ' *', '(a*)b'])}" ${e('string')}`,
    ({ e, pick }) => `builtins.match "${pick(['.*', '(.*)-(.*)', '([a-z]+)', '(a)?(b)?.*'])}" ${e('string')}`,
    ({ e, functionOf }) =>
      `builtins.attrValues (builtins.mapAttrs (name: ${functionOf('int', 'string')}) ${e('attrs')})`,
    ({ e }) => `builtins.tail ${e('strings')}`,
    ({ leaf }) => leaf(),
  ],
  attrs: [
    ({ e, any, pick }) => `{ ${pick(ATTRIBUTE_NAMES)} = ${any()}; other.deep = ${e('int')}; }`,
    ({ e, any, pick }) => `rec { ${pick(['a', 'b', 'c'])} = ${any()}; x = ${e('attrs')}; \${${e('string')}} = 1; }`,
    ({ e }) => `${e('attrs')} // ${e('attrs')}`,
    ({ e, functionOf }) => `builtins.mapAttrs (name: ${functionOf('int', 'string')}) ${e('attrs')}`,
    ({ e }) => `builtins.intersectAttrs ${e('attrs')} ${e('attrs')}`,
    ({ e }) => `removeAttrs ${e('attrs')} ${e('strings')}`,
    ({ e }) => `builtins.listToAttrs (map (name: { inherit name; value = name + "!"; }) ${e('strings')})`,
    ({ e, functionOf }) => `builtins.groupBy ${functionOf('int', 'string')} ${e('ints')}`,
    ({ e }) => `builtins.zipAttrsWith (name: values: { inherit name values; }) [ ${e('attrs')} ${e('attrs')} ]`,
    ({ e }) => `builtins.functionArgs ${e('function')}`,
    ({ e }) => `builtins.getContext ${e('string')}`,
    ({ any }) => `builtins.tryEval ${any()}`,
    ({ e }) => `builtins.parseDrvName ${e('string')}`,
    ({ e }) => `builtins.fromJSON (builtins.toJSON ${e('attrs')})`,
    ({ e, any }) => `let inherit (${e('attrs')}) a; b = ${any()}; in { inherit a b; }`,
    ({ leaf }) => leaf(),
  ],
  function: [
    ({ functionOf, pick }) => functionOf('int', pick(['int', 'string'])),
    ({ e }) => `({ a ? ${e('int')}, b ? a, ... }@args: args // { inherit a b; })`,
    ({ e }) => `{ __functor = self: x: ${e('int')}; }`,
    ({ pick }) => `builtins.${pick(['add', 'elem', 'concatStringsSep ","', 'isInt', 'mapAttrs (x: y: y)'])}`,
    ({ leaf }) => leaf(),
  ],
  null: [({ leaf }) => leaf(), ({ any }) => `builtins.seq ${any()} null`],
  derivation: [
    ({ e }) => `derivation { name = ${e('string')}; system = ${e('string')}; builder = ${e('string')}; }`,
    ({ e, pick }) =>
      `derivation { name = "n${pick(['', '-1.0', '.x'])}"; system = "s"; builder = ${e('string')}; args = ${e('strings')}; v = ${e(pick(['int', 'bool', 'string', 'strings', 'null', 'derivation', 'float']))}; }`,
    ({ e, pick }) =>
      `derivation { name = "n"; system = "s"; builder = "b"; outputs = ${pick(['[ "out" ]', '[ "out" "dev" ]', '[ "dev" "doc" ]', e('strings')])}; __ignoreNulls = ${pick(['true', 'false'])}; n = ${e('null')}; }`,
    ({ e, pick }) =>
      `derivation { name = "n"; system = "s"; builder = "b"; __structuredAttrs = true; v = ${e(pick(TYPES))}; w = ${e('attrs')}; }`,
    ({ e, pick }) =>
      `derivation { name = "f"; system = "s"; builder = ${e('string')}; outputHashMode = "${pick(['flat', 'recursive'])}"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" ${e('string')}; }`,
    ({ leaf }) => leaf(),
  ],
}
