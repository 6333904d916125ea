/** Tar archives made by hand, for what no honest program writes. */
export interface TarMember {
  readonly name: string
  readonly type?: string
  readonly target?: string
  readonly mode?: number
  readonly contents?: string
  readonly size?: string
  readonly prefix?: string
  readonly magic?: string
}

/** A tar archive; names are byte strings. */
export function tarOf(...members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.map(tarMember), Buffer.alloc(1024)])
}

export function tarMember(member: TarMember): Buffer {
  const { name, type = '0', target = '', mode = 0o644, contents = '', prefix = '', magic = 'ustar\x0000' } = member
  const header = Buffer.alloc(512)
  header.write(name, 0, 100, 'latin1')
  header.write(octal(mode, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(member.size ?? octal(contents.length, 11), 124, 12, 'latin1')
  header.write(octal(1_600_000_000, 11), 136)
  header.write(type, 156)
  header.write(target, 157, 100, 'latin1')
  header.write(magic, 257, 'latin1')
  header.write(prefix, 345, 155, 'latin1')
  header.fill(0x20, 148, 156)
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  )
  const data = Buffer.from(contents, 'latin1')
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

/** A pax header with the given records. */
export function paxMember(type: 'x' | 'g', records: Readonly<Record<string, string>>): Buffer {
  let contents = ''
  for (const [key, value] of Object.entries(records)) {
    const rest = ` ${key}=${value}\n`
    let length = rest.length
    while (length !== String(length).length + rest.length) length = String(length).length + rest.length
    contents += `${length}${rest}`
  }
  return tarMember({ name: 'pax', type, contents })
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
