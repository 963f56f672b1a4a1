import { mayHoldEscapes } from './escape.js'
import type { Encoded } from './payload.js'

/** Parsed when somebody wants it, once for each reader: what one of them does to it is nothing to the next. */
class PlainValue implements Encoded {
  #parsed: unknown
  readonly meta: undefined

  constructor(readonly json: string) {}

  get parsed(): unknown {
    this.#parsed ??= JSON.parse(this.json)
    return this.#parsed
  }
}

/** Values for any number of readers of a text that is known to be JSON and needs no metadata. */
export const plainValue = (json: string): (() => Encoded) =>
  mayHoldEscapes(json) ? () => ({ json }) : () => new PlainValue(json)
