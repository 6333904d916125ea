import { coerceToPath } from './coerce.ts'
import { ContextCollector, isEmptyContext, sortedContext } from './context.ts'
import { ValueError } from './errors.ts'
import type { Evaluator } from './evaluator.ts'
import type { Context, ContextElement, Slot } from './value.ts'

/**
 * Makes everything that a string refers to exist, building it if need be: before a path is read (`import`,
 * `readFile`, …) that may lie in a derivation's output.
 */
export function realiseContext(evaluator: Evaluator, context: Context): void {
  if (isEmptyContext(context)) return
  const outputs: { derivation: string; output: string }[] = []
  const paths: string[] = []
  for (const element of sortedContext(context)) {
    if (!evaluator.io.isValidPath(element.path)) throw new ValueError(`path '${element.path}' is not valid`)
    if (isBuildable(element)) outputs.push({ derivation: element.path, output: element.output })
    else paths.push(element.path)
  }
  if (outputs.length > 0 && !evaluator.settings.allowImportFromDerivation) {
    throw new ValueError(
      `cannot build '${outputs[0]!.derivation}' during evaluation because the option 'allow-import-from-derivation' is disabled`,
    )
  }
  evaluator.io.realise(outputs, paths)
}

/** The absolute path that a value stands for, with what it refers to made to exist. */
export function realisePath(evaluator: Evaluator, slot: Slot): string {
  const context = new ContextCollector()
  const path = coerceToPath(evaluator, slot, context)
  realiseContext(evaluator, context.context)
  return path
}

function isBuildable(element: ContextElement): boolean {
  return element.kind === 'output' && element.path.endsWith('.drv')
}
