/** A small stack with programs that show what reaches them, and `baryon` for a user that is not root. Builds are those of `/bin/sh`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listTiers } from '@baryon/environment'
import { type Cleanup, isOnPath } from '@baryon/testing'
import { OTHER_TAG, type ReleaseScene, type Result, releaseScene, TAG } from './release-scene.ts'

export const noTier = [...listTiers('auto')].some((one) => one.works) ? false : 'no way to show a store works here'
export const noStrace = isOnPath('strace') ? false : 'no strace'

export interface ToolScene extends Omit<ReleaseScene, 'start'> {
  /** The directory with the wrappers. */
  readonly bin: string
  /** Starts the wrapper with nothing in its environment. */
  start(program: string, ...words: readonly string[]): Result
}

export function toolScene(t: Cleanup): ToolScene {
  const scene = releaseScene(t, '/cvmfs/hep.example.org/nix/store')
  writeFileSync(join(scene.project, 'default.nix'), RECIPE)
  writeFileSync(join(scene.project, 'tool.sh'), BUILDER)
  const bin = join(scene.directory, '.local/bin')
  return { ...scene, bin, start: (program, ...words) => scene.call('env', ['-i', join(bin, program), ...words]) }
}

const RECIPE = `
{ platform ? "${TAG}" }:
let
  make = pname: version: programs: derivation {
    name = "\${pname}-\${version}"; inherit pname version platform programs;
    system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/bin"; args = [ ./tool.sh ];
  } // { meta = { description = "test"; }; };
in {
  demo = make "demo" "1.0" "demo demo-config";
  other = make "other" "3.1" "other";
  rival = make "rival" "9" "demo rival";
  pinned = make "pinned" "1" "pinned";
  library = make "library" "1" "";
  odd = make "odd" "1" "";
  inherit platform;
  platforms = [ "${TAG}" "${OTHER_TAG}" ];
}
`

const BUILDER = `
mkdir -p $out/bin
for program in $programs; do
  cat > $out/bin/$program <<X
#!/bin/sh
case \\\${1-} in
exit) exit "\\$2" ;;
die) kill -TERM \\$\\$ ;;
wait) trap 'echo ended; exit 5' TERM; echo ready; while :; do sleep 0.1; done ;;
beside) shift; exec "\\$@" ;;
esac
echo "$( [ $pname = rival ] && echo rival || echo $program) $version $platform"
for a in "\\$@"; do printf '<%s>' "\\$a"; done
echo
X
  chmod +x $out/bin/$program
done
if [ $pname = odd ]; then
  cd $out/bin
  for name in 'two words' 'it'"'"'s $(touch pwned)\`id\`' -dash .hidden 'ümlaut' 'new
line'; do
    printf '%s\\n' '#!/bin/sh' 'echo odd' 'for a in "$@"; do printf "<%s>" "$a"; done; echo' > "./$name"
    chmod +x "./$name"
  done
  ln -s 'two words' alias
  mkdir directory
  echo data > plain
fi
`
