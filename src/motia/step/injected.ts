import type * as Client from './client.js'

/** What the preload leaves for the wrapper that takes the step file's place. */
interface Injection {
  /** The step file's path, as the runner was given it. */
  readonly file: string
  /** The same as import() takes it. Made there, because to a module each import of one of Node's costs something. */
  url(): string
  /** Loads the client, at once. */
  client(): typeof Client
}

const slot = Symbol.for('motia-redis.injection')

export const injection = (globalThis as unknown as { [slot]: Injection })[slot]
