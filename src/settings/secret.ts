import type { RedisSecret } from './settings.js'

const hidden = '***'

class Secret implements RedisSecret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
    Object.freeze(this)
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  /** What util.inspect, and so console.log, prints. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return hidden
  }
}

/** Text that only `reveal()` gives away: printing, JSON and string templates show '***'. */
export const redisSecret = (text: string): RedisSecret => new Secret(text)
