/**
 * x86-64 processor generations and what `/proc/cpuinfo` calls their features.
 *
 * A generation has all features of its parents and its own. The names and the lattice are those of the archspec
 * data base; `pni` is what Linux calls SSE3 and `abm` what it calls LZCNT.
 */

/** Features that a processor must have to run code built for `name`, or undefined when the name is unknown. */
export function featuresOf(name: string): ReadonlySet<string> | undefined {
  const known = table.get(name)
  if (known === undefined) return undefined
  const features = new Set(known.features)
  for (const parent of known.parents) {
    for (const feature of featuresOf(parent) ?? []) features.add(feature)
  }
  return features
}

/** The most capable name in the order of preference whose features the processor has; `x86_64` at the least. */
export function bestMicroarchitecture(flags: ReadonlySet<string>): string {
  return preference.find((name) => isSuperset(flags, featuresOf(name)!)) ?? 'x86_64'
}

/** The smallest named generation that has the feature (`avx2` gives `haswell`), for tags such as `x86_64+avx2`. */
export function smallestWith(feature: string): string | undefined {
  return [...preference].reverse().find((name) => featuresOf(name)!.has(feature))
}

export function isSuperset(set: ReadonlySet<string>, subset: ReadonlySet<string>): boolean {
  for (const element of subset) if (!set.has(element)) return false
  return true
}

const preference = [
  'cannonlake',
  'skylake_avx512',
  'x86_64_v4',
  'skylake',
  'broadwell',
  'haswell',
  'x86_64_v3',
  'ivybridge',
  'sandybridge',
  'westmere',
  'nehalem',
  'x86_64_v2',
  'core2',
  'x86_64',
]

interface Generation {
  readonly parents: readonly string[]
  readonly features: readonly string[]
}

const table = new Map<string, Generation>()

function generation(name: string, parents: string, features: string): void {
  table.set(name, { parents: words(parents), features: words(features) })
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}

generation('x86_64', '', 'mmx sse sse2')
generation('x86_64_v2', 'x86_64', 'cx16 lahf_lm popcnt pni ssse3 sse4_1 sse4_2')
generation('x86_64_v3', 'x86_64_v2', 'avx avx2 bmi1 bmi2 f16c fma abm movbe xsave')
generation('x86_64_v4', 'x86_64_v3', 'avx512f avx512bw avx512cd avx512dq avx512vl')
generation('core2', 'x86_64', 'ssse3')
generation('nehalem', 'core2 x86_64_v2', '')
generation('westmere', 'nehalem', 'pclmulqdq')
generation('sandybridge', 'westmere', 'avx')
generation('ivybridge', 'sandybridge', 'rdrand f16c')
generation('haswell', 'ivybridge x86_64_v3', '')
generation('broadwell', 'haswell', 'rdseed adx')
generation('skylake', 'broadwell', 'clflushopt xsavec xsaveopt')
generation('skylake_avx512', 'skylake x86_64_v4', 'clwb')
generation('cascadelake', 'skylake_avx512', 'avx512_vnni')
generation('cannonlake', 'skylake x86_64_v4', 'avx512vbmi avx512ifma sha_ni')
generation('icelake', 'cascadelake cannonlake', 'avx512_vbmi2 avx512_bitalg gfni vaes vpclmulqdq')
generation('sapphirerapids', 'icelake', 'amx_tile amx_bf16 amx_int8 avx512_bf16 avx512_fp16')
generation('bulldozer', 'x86_64_v2', 'avx fma4 xop sse4a aes pclmulqdq')
generation('piledriver', 'bulldozer', 'bmi1 f16c fma')
generation('steamroller', 'piledriver', 'fsgsbase')
generation('excavator', 'steamroller x86_64_v3', 'rdrand')
generation('zen', 'x86_64_v3', 'adx aes clflushopt clzero pclmulqdq rdseed sha_ni sse4a xsavec')
generation('zen2', 'zen', 'clwb')
generation('zen3', 'zen2', 'vaes vpclmulqdq pku')
generation('zen4', 'zen3 x86_64_v4', 'avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_bf16 gfni')
generation('zen5', 'zen4', 'avx_vnni movdiri movdir64b avx512_vp2intersect')
