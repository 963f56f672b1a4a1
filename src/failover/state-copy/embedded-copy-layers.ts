import { lowestAt, type Version } from '../versions/clock.js'
import { highest } from '../versions/merge.js'

/** A group as the copy knows it. */
export interface CopyHead {
  /** When it ends, epoch ms; 0: never. */
  readonly end: number
  readonly cleared: Version | undefined
}

/** An item; without a text it was deleted. */
export interface CopyItem {
  readonly version: Version
  readonly text: string | undefined
}

/** What was written to one group and isn't in the files yet. */
export interface CopyLayer {
  end: number | undefined
  cleared: Version | undefined
  readonly items: Map<string, CopyItem>
}

export const emptyLayer = (): CopyLayer => ({ end: undefined, cleared: undefined, items: new Map() })

export const addToLayer = (layer: CopyLayer, field: string, item: CopyItem): void => {
  const known = layer.items.get(field)
  if (known === undefined || item.version > known.version) layer.items.set(field, item)
}

export const isLive = (head: CopyHead | undefined, now: number): boolean =>
  head !== undefined && (head.end === 0 || head.end > now)

/** Before anything. */
const NEVER_LIVED = 1

/** The group after the writes of a layer. A group that had ended begins anew: what it held before stays gone. */
export const withLayer = (head: CopyHead | undefined, { end, cleared }: CopyLayer, now: number): CopyHead => {
  const before = head?.end ?? NEVER_LIVED
  if (end === undefined) return { end: before, cleared: highest(head?.cleared, cleared) }
  if (isLive(head, now)) return { end: later(before, end), cleared: highest(head?.cleared, cleared) }
  return { end, cleared: highest(head?.cleared, cleared, lowestAt(before)) }
}

const later = (before: number, end: number): number => (before === 0 || end === 0 ? end : Math.max(before, end))

export const laterItem = (a: CopyItem | undefined, b: CopyItem): CopyItem =>
  a === undefined || b.version > a.version ? b : a

/** Transactions of a bounded size; a large group is spread over several. */
export function* pieces(layers: ReadonlyMap<string, CopyLayer>, size: number): Generator<[string, CopyLayer][]> {
  let piece: [string, CopyLayer][] = []
  let used = 0
  for (const [group, { end, cleared, items }] of layers) {
    let part: CopyLayer = { end, cleared, items: new Map() }
    piece.push([group, part])
    used++
    for (const [field, item] of items) {
      if (used >= size) {
        yield piece
        part = { end, cleared, items: new Map() }
        piece = [[group, part]]
        used = 0
      }
      part.items.set(field, item)
      used++
    }
  }
  if (piece.length > 0) yield piece
}
