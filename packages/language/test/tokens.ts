/** Words of the language, and what stands between them. */
export const TOKENS: readonly string[] = [
  ...'{ } [ ] ( ) let in rec with inherit if then else assert or ; : = . , ? @ ... a b 1 1.5'.split(' '),
  ...['"', "''", '${', "''${", '\\', '$', '/', './a', './.', '/.', '~/', '<a>', '<', '>', 'http://a'],
  ...'// ++ == ! - + -> |> <| # /* */ null true -1 9223372036854775807'.split(' '),
  ...['\n', '\r', ' ', '\xff', '\0'],
]
