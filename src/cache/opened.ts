import { type Absent, type Hit, isOver } from '../codec/envelope.js'
import type { Encoded } from '../codec/payload.js'
import { plainValue } from '../codec/plain-value.js'
import type { EntryName, Held } from '../failover/shelf.js'
import type { Category } from './category.js'
import type { Found } from './reading.js'

/** What a text said that stays in this process: whoever reads it next has only its value to parse, which is then his own. */
class Opened {
  constructor(
    private readonly entry: Hit | Absent,
    private readonly value: (() => Encoded) | undefined,
  ) {}

  found({ shelf }: Category, name: EntryName, text: string, now: number): Found | undefined {
    const { entry, value } = this
    const { expires, hardExpiry } = entry
    if (expires !== undefined && isOver(expires, hardExpiry, now)) return undefined
    const stale = hardExpiry !== undefined && expires !== undefined && expires <= now
    return { entry, value: value?.(), stale, name, shelf, text }
  }
}

/** Leaves beside the text what was found in it. Not where superjson has to undo it: it costs far more than that. */
const remember = (held: Held, found: Found | undefined): Found | undefined => {
  if (found === undefined || found.value?.meta !== undefined) return found
  const { entry, value } = found
  if (entry.outcome === 'absent' || value === undefined) held.remember(new Opened(entry, undefined), 0)
  else {
    const { json } = value
    // What isn't a part of the text takes memory of its own.
    const apart = entry.packed !== undefined || value !== entry.value ? json.length * 2 : 0
    const values = plainValue(json, (bytes) => held.remember(opened, apart + bytes))
    const opened = new Opened({ ...entry, value: { json } }, values)
    held.remember(opened, apart)
  }
  return found
}

/** What a copy in this process says; `open`: takes its text apart. */
export const reopen = (
  category: Category,
  name: EntryName,
  held: Held,
  now: () => number,
  open: (text: string) => Found | undefined | Promise<Found | undefined>,
): Found | undefined | Promise<Found | undefined> => {
  const { opened, text } = held
  if (opened instanceof Opened) return opened.found(category, name, text, now())
  const found = open(text)
  return found instanceof Promise ? found.then((checked) => remember(held, checked)) : remember(held, found)
}
