/**
 * What `prepareRootTable` prepares, worked out by a shell at every start instead: for scripts that are kept for months, or used on
 * several machines, while what a host has beside the store changes. It costs three processes more.
 *
 * An empty file system shows all that the deepest directory on the way to the store holds on this host, and the store,
 * and takes the place of that directory.
 */
import { escapeField, lockedFlags } from './root-table.ts'
import { quotePosix } from './shell.ts'

export interface RootScript {
  readonly storeDirectory: string
  readonly physicalDirectory: string
  /** An empty directory of ours, to mount on. */
  readonly mountPoint: string
}

/**
 * POSIX-sh statements for within a new mount namespace, with the tools for mounting in `PATH`. `failure` is a statement for when
 * nothing can be mounted. Words of a command that are set stay so; variables and a function that are left over begin with `baryon_`.
 */
export function formatRootScript(
  { storeDirectory, physicalDirectory, mountPoint }: RootScript,
  failure: string,
): string {
  const options = `bind,ro${lockedFlags(physicalDirectory)}`
  const [store, source, place] = [storeDirectory, physicalDirectory, mountPoint].map(quotePosix)
  const [storeField, sourceField, placeField] = [storeDirectory, physicalDirectory, mountPoint].map((path) =>
    quotePosix(escapeField(path)),
  )
  return `baryon_fail() ${failure}
baryon_here=$PWD baryon_place=${place}
baryon_above=${store} baryon_field=${storeField}
while [ -n "$baryon_above" ] && [ ! -d "$baryon_above" ]; do
  baryon_above=\${baryon_above%/*} baryon_field=\${baryon_field%/*}
done
if [ "$baryon_above" = ${store} ]; then
  mount -o ${options} ${source} ${store} 2>/dev/null || mount --bind ${source} ${store} || baryon_fail
else
  mount -t tmpfs -o mode=755 baryon "$baryon_place" || baryon_fail
${COLLECT}
  baryon_rest=${store}
  baryon_rest=\${baryon_rest#"$baryon_above"}
  cd "$baryon_place" && mkdir -p -- $baryon_holder $baryon_directories ".$baryon_rest" || baryon_fail
  for baryon_name in $baryon_files; do : >"$baryon_name"; done
  if [ -n "$baryon_links" ]; then ln -s -- $baryon_links .; fi
  # The store will hide it.
  baryon_table=.$baryon_rest/mounts
  baryon_rest=${storeField}
  {
    for baryon_name in $baryon_holder $baryon_directories $baryon_files; do
      printf '%s/%s %s/%s none rbind 0 0\\n' "$baryon_field" "$baryon_name" ${placeField} "$baryon_name"
    done
    printf '%s %s none %s 0 0\\n' ${sourceField} ${placeField}"\${baryon_rest#"$baryon_field"}" ${options}
  } >"$baryon_table"
  mount -a -T "$baryon_table"
  if [ -z "$baryon_above" ]; then pivot_root . . && umount -l . || baryon_fail
  else mount --rbind "$baryon_place" "$baryon_above" || baryon_fail; fi
fi
cd "$baryon_here" || cd /
unset baryon_here baryon_place baryon_above baryon_field baryon_rest baryon_table
unset baryon_directories baryon_files baryon_links baryon_holder baryon_name baryon_entry`
}

/**
 * What the host has, by kind: names that neither a shell nor a table of mounts takes for something else. The others are mounted
 * one by one.
 */
const COLLECT = `  baryon_directories= baryon_files= baryon_links= baryon_holder=
  for baryon_entry in "$baryon_above"/* "$baryon_above"/.[!.]* "$baryon_above"/..?*; do
    baryon_name=\${baryon_entry##*/}
    case $baryon_name in
    *[!A-Za-z0-9._+@-]*)
      if [ -L "$baryon_entry" ]; then ln -s -- "$(readlink "$baryon_entry")" "$baryon_place/$baryon_name"
      elif [ -d "$baryon_entry" ]; then mkdir "$baryon_place/$baryon_name"
      elif [ -f "$baryon_entry" ]; then : >"$baryon_place/$baryon_name"
      else continue; fi
      [ -L "$baryon_entry" ] || mount --rbind "$baryon_entry" "$baryon_place/$baryon_name"
      continue ;;
    esac
    if [ -L "$baryon_entry" ]; then
      # \`/bin\` is nearly always a link to \`usr/bin\`: known without starting readlink.
      if [ "$baryon_entry" -ef "/usr$baryon_entry" ]; then baryon_links="$baryon_links usr/$baryon_name"
      else ln -s -- "$(readlink "$baryon_entry")" "$baryon_place/$baryon_name"; fi
    elif [ -d "$baryon_entry" ]; then
      # What holds the empty file system takes along what is mounted there already: it comes first.
      case $baryon_place in
      "$baryon_entry"/*) baryon_holder=$baryon_name ;;
      *) baryon_directories="$baryon_directories $baryon_name" ;;
      esac
    elif [ -f "$baryon_entry" ]; then baryon_files="$baryon_files $baryon_name"
    fi
  done`
