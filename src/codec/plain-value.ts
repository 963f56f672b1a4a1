import { mayHoldEscapes } from './escape.js'
import type { Encoded } from './payload.js'

/** Reads of a value after which it is kept parsed, to be copied from then on: that is several times quicker than parsing. */
const PAYS = 3
/** Longer texts are parsed each time, and so are those that weigh far more when they are parsed. */
const MOST_UNITS = 64 * 1024
const MOST_TIMES = 8
/** Levels. */
const MOST_DEPTH = 100

/** A text for any number of readers, each of whom gets a value of its own. */
class Source {
  private tree: object | undefined
  private reads = 0

  constructor(
    readonly json: string,
    private readonly weighs: (bytes: number) => void,
  ) {}

  value(): unknown {
    if (this.tree !== undefined) return copyOf(this.tree)
    const parsed: unknown = JSON.parse(this.json)
    if (++this.reads === PAYS && isObject(parsed) && this.json.length <= MOST_UNITS) {
      const weight = weightOf(parsed, MOST_DEPTH)
      if (weight <= this.json.length * MOST_TIMES) {
        this.tree = copyOf(parsed)
        this.weighs(weight)
      }
    }
    return parsed
  }
}

/** What one reader gets: parsed when he wants it, once. What he does to it is nothing to the next. */
class PlainValue implements Encoded {
  #parsed: unknown
  readonly meta: undefined

  constructor(private readonly source: Source) {}

  get json(): string {
    return this.source.json
  }

  get parsed(): unknown {
    this.#parsed ??= this.source.value()
    return this.#parsed
  }
}

/**
 * Values for any number of readers of a text that is known to be JSON, without a property `__proto__`, and needs no
 * metadata. `weighs` hears once of the bytes that are kept besides the text, if the value is read so often that it pays.
 */
export const plainValue = (json: string, weighs: (bytes: number) => void): (() => Encoded) => {
  if (mayHoldEscapes(json)) return () => ({ json })
  const source = new Source(json, weighs)
  return () => new PlainValue(source)
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Of parsed JSON. A spread copies an object as a whole, where setting its properties one by one makes it slowly. */
const copyOf = (value: object): object => {
  if (Array.isArray(value)) {
    const list: unknown[] = value.slice()
    for (let i = 0; i < list.length; i++) {
      const part = list[i]
      if (isObject(part)) list[i] = copyOf(part)
    }
    return list
  }
  const copy: Record<string, unknown> = { ...value }
  for (const name in copy) {
    const part = copy[name]
    if (isObject(part)) copy[name] = copyOf(part)
  }
  return copy
}

/** Bytes that parsed JSON takes in memory, about; infinite where it is nested too deep to be copied. */
const weightOf = (value: unknown, depth: number): number => {
  if (typeof value === 'string') return 24 + value.length * 2
  if (!isObject(value)) return 16
  if (depth === 0) return Number.POSITIVE_INFINITY
  let weight = 56
  for (const part of Object.values(value)) weight += 8 + weightOf(part, depth - 1)
  return weight
}
