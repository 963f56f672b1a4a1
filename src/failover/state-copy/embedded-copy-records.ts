import type { Entry } from '../../embedded/database.js'
import type { CopyHead, CopyItem } from './embedded-copy-layers.js'

/*
 *     g<group>                           [end, version of the last clear or '']
 *     i<length of group><group><field>   [0, version, then 'v' and the text, or 't']
 */

/** What every group's key begins with. */
export const HEADS = Buffer.from('g')
export const headKey = (group: string): Buffer => Buffer.concat([HEADS, Buffer.from(group)])
export const itemPrefix = (group: string): Buffer => {
  const bytes = Buffer.from(group)
  const head = Buffer.from('i  ')
  head.writeUInt16BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}
export const itemKey = (group: string, field: string): Buffer => Buffer.concat([itemPrefix(group), Buffer.from(field)])

export const headFrom = (value: Entry | undefined): CopyHead | undefined =>
  value && { end: value[0], cleared: value[1] === '' ? undefined : value[1] }
export const itemFrom = ([, text]: Entry): CopyItem => ({
  version: text.slice(0, 24),
  text: text.charAt(24) === 'v' ? text.slice(25) : undefined,
})

export const headEntry = ({ end, cleared }: CopyHead): Entry => [end, cleared ?? '']
export const itemEntry = ({ version, text }: CopyItem): Entry => [
  0,
  `${version}${text === undefined ? 't' : `v${text}`}`,
]

/** The group that an item's key is of; undefined: it is a group's own. */
export const groupOfItem = (key: Buffer): string | undefined =>
  key[0] === HEADS[0] ? undefined : key.subarray(3, 3 + key.readUInt16BE(1)).toString()
