/** The elements of an XML file, as few of its features as environments and manifests of LHCb use. */
import { readFileSync } from 'node:fs'
import { UserError } from '@baryon/format'
import { SaxesParser, type SaxesTagNS } from 'saxes'

export interface XmlElement {
  /** Without the prefix. */
  readonly name: string
  readonly namespace: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly XmlElement[]
  /** Its own, not that of its children. */
  readonly text: string
}

/** The root. Entities that a file defines itself stay as they are, so that nothing grows. Throws `XML_SYNTAX` with the place. */
export function readXml(file: string): XmlElement {
  return parseXml(readFileSync(file, 'utf8'), file)
}

/** `source` is named in errors. */
export function parseXml(text: string, source: string): XmlElement {
  const parser = new SaxesParser<{ xmlns: true; fileName: string }>({ xmlns: true, fileName: source })
  const open: (XmlElement & { children: XmlElement[]; text: string })[] = []
  let root: XmlElement | undefined
  parser.on('error', (error) => {
    throw new UserError('XML_SYNTAX', error.message)
  })
  parser.on('opentag', (tag: SaxesTagNS) => {
    const attributes = new Map(Object.values(tag.attributes).map(({ local, value }) => [local, value]))
    const element = { name: tag.local, namespace: tag.uri, attributes, children: [], text: '' }
    if (open.length >= DEEPEST) throw new UserError('XML_SYNTAX', `${source}: elements are nested too deep`)
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  const add = (more: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += more
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => void open.pop())
  parser.write(text).close()
  if (root === undefined) throw new UserError('XML_SYNTAX', `${source}: there is no element`)
  return root
}

const DEEPEST = 100
