/** What Nix or we say of an error, without warnings about the machine and the remark that depends on frames we do not collect. */
export function errorText(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !line.startsWith('warning: ') && !line.startsWith("(use '--show"))
  return lines.join('\n').trimEnd()
}
