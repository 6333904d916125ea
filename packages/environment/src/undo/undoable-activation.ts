/**
 * An activation that can be undone: the script of `formatActivation`, and around it what makes `baryon_deactivate`, a
 * function or an alias of the shell that reads it. docs/decisions/0017-undoing-an-activation.md says why it is as it is.
 *
 * - A variable that still has the value of the activation gets back the one that it had, or none. One that was changed since
 *   keeps the change, and loses the parts of lists that the activation brought.
 * - An activation begins with undoing the one that is there, so a second one takes its place.
 * - What must be remembered are variables of the shell that are not exported: a process that it starts knows nothing of
 *   them, and an activation there goes on top.
 */
import { formatActivation } from '../activation.ts'
import type { Change } from '../change.ts'
import { promptMark, type Shell } from '../shell.ts'
import { formatFishUndo } from './fish-undo.ts'
import { formatPosixUndo } from './posix-undo.ts'
import { formatTcshUndo } from './tcsh-undo.ts'

export interface UndoPlan {
  /** What is put before the prompt of an interactive shell; it has no character that a prompt would replace. */
  readonly mark: string
  readonly variables: readonly ChangedVariable[]
  /** Statements. */
  readonly activation: string
}

export interface ChangedVariable {
  readonly name: string
  /** The last that was put there first. */
  readonly parts: readonly ListPart[]
}

export interface ListPart {
  readonly kind: 'prepend' | 'append'
  /** Values, with the separator between them. */
  readonly text: string
  readonly separator: string
}

/** `label` names the environment to people. */
export function formatUndoableActivation(shell: Shell, changes: readonly Change[], label: string): string {
  const plan = {
    mark: promptMark(label),
    variables: changedVariables(changes),
    activation: formatActivation(shell, changes),
  }
  switch (shell.name) {
    case 'sh':
    case 'bash':
    case 'zsh':
      return formatPosixUndo(plan)
    case 'fish':
      return formatFishUndo(plan)
    case 'tcsh':
      return formatTcshUndo(plan)
  }
}

function changedVariables(changes: readonly Change[]): ChangedVariable[] {
  const parts = new Map<string, ListPart[]>()
  for (const change of changes) {
    const known = parts.get(change.variable) ?? []
    parts.set(change.variable, known)
    if (change.kind !== 'prepend' && change.kind !== 'append') continue
    const { kind, values, separator } = change
    known.unshift({ kind, text: values.join(separator), separator })
  }
  return [...parts].map(([name, list]) => ({ name, parts: list }))
}
