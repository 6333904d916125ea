/** Keys of a baryon.toml that describe a project; what they mean says project-file.ts. */
export const projectKeys: ReadonlySet<string> = new Set([
  'release',
  'packages',
  'variables',
  'tasks',
  'priorities',
  'platforms',
])
