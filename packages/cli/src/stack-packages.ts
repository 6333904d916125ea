/** What a stack holds: its packages with what they say of themselves, and its variants. */
import type { Context } from './command.ts'
import type { Settings } from './settings.ts'
import { evaluateStack, parseAnswer } from './stack-evaluation.ts'

export interface StackPackage {
  readonly attribute: string
  readonly name: string
  readonly version: string
  readonly description: string
}

/** The packages of a stack for one platform, sorted; what cannot be evaluated there is left out. */
export async function stackPackages(
  context: Context,
  settings: Settings,
  platform: string | undefined,
): Promise<readonly StackPackage[]> {
  const result = await evaluateStack(context, settings, { output: 'json', strict: true, platform, apply: listing })
  return parseAnswer<StackPackage[]>(result)
}

/** The platform tags that a stack is released for; none when it does not say. */
export async function stackPlatforms(context: Context, settings: Settings): Promise<readonly string[]> {
  return (await stackDefaults(context, settings)).platforms
}

/** What a stack says of its platforms: the tag that it is for when none is asked for, and those that it is released for. */
export async function stackDefaults(
  context: Context,
  settings: Settings,
): Promise<{ readonly platform: string | null; readonly platforms: readonly string[] }> {
  const result = await evaluateStack(context, settings, { output: 'json', strict: true, apply: defaults })
  return parseAnswer(result)
}

const defaults = `
  stack: {
    platform = let tag = stack.platform or null; in if builtins.isString tag then tag else null;
    platforms = stack.platforms or [ ];
  }
`

/** Sets that ask for it are looked into, as nix-env does: `python311Packages.fastjet`. */
const listing = `
  stack:
  let
    try = value: default: let looked = builtins.tryEval value; in if looked.success then looked.value else default;
    isDerivation = value: builtins.isAttrs value && (value.type or null) == "derivation";
    describe = prefix: set: builtins.concatMap (name:
      let
        package = set.\${name};
        attribute = prefix + name;
      in try (
        if isDerivation package && package ? meta.description then [ {
          inherit attribute;
          name = package.pname or package.name;
          version = package.version or "";
          description = package.meta.description;
        } ]
        else if prefix == "" && builtins.isAttrs package && package.recurseForDerivations or false
        then describe "\${name}." package
        else [ ]) [ ]) (builtins.attrNames set);
  in describe "" stack
`
