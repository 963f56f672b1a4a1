import type { Intent } from './deadlines.js'
import type { Script } from './scripts.js'
import type { CallOptions, Store, StoreError } from './store.js'

/** A script with what it works on. */
export interface ScriptCall {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
}

/** What tells whether a server that came back is the one that went. */
export interface Identity {
  /** Undefined where INFO is hidden. */
  readonly runId: string | undefined
  /** The replication id it had before it was promoted. */
  readonly formerReplication: string | undefined
  readonly replication: string | undefined
  /** ms it has been running. */
  readonly uptime: number | undefined
  /** Whether it keeps an append-only file, from which it comes back with (nearly) everything. */
  readonly appendOnly: boolean
  /** What `plant` left there, if it is still there. */
  readonly sentinel: string | undefined
}

/**
 * A Redis as failover sees it: a Store whose return from an outage is supervised. Once it was down it comes back as
 * catching-up: calls are sent, but it counts as unreadable until `readmit`.
 */
export interface Instance extends Store {
  /** Opens the connection now instead of at the first call. Resolves when it is up, or when it is known not to be; never rejects. */
  connect(): Promise<void>
  /**
   * The two bits and the state, each a look at a field. writable: also while it is catching up. Both are true as long as
   * it was never asked, unlike in `health()`: nothing speaks against it, and a first call finds out.
   */
  readable(): boolean
  writable(): boolean
  catchingUp(): boolean
  /** It answers far more slowly than it usually does. */
  slow(): boolean
  /**
   * ms that all attempts of one call share. What this store does without a `timeout` ends after two thirds of that, so
   * that there is time for another one elsewhere.
   */
  deadline(intent: Intent): number
  /** Throws what a write of this text would be refused with for its size; nothing where the server's limit isn't known. */
  checkSize(text: string): void

  script(call: ScriptCall, intent: Intent, options?: CallOptions): Promise<unknown>
  /**
   * Many scripts in one round trip, each with its own outcome. Those that the server doesn't know run after the others,
   * in a second one. Rejects where the instance failed all of them.
   */
  scripts(calls: readonly ScriptCall[], intent: Intent, options?: CallOptions): Promise<(unknown | StoreError)[]>

  /** Adds a record, field and value in turn, to a stream that keeps about as many as others need that were away for a moment. */
  append(stream: string, fields: readonly string[]): Promise<void>

  identity(): Promise<Identity>
  plant(sentinel: string): Promise<void>
  /**
   * Ends our own earlier data connections at the server, and those of processes that `isLive` doesn't know (by the
   * process id in the connection's name): what they sent must not run any more. denied: no right to do so.
   */
  fence(isLive: (processId: string) => boolean): Promise<'fenced' | 'denied'>
  /** It has caught up. Nothing where it isn't catching up. */
  readmit(): void
  /** Catching up failed: down again, and asked again later. */
  relapse(reason: string): void
  /** Behaves for `ms` as if the server were gone; the server notices nothing. 0 ends it. */
  drill(ms: number): void
}

/** Whether another place may be asked instead: the instance couldn't, not the call. */
export const isOutage = (error: StoreError): boolean =>
  error.kind === 'unavailable' ||
  error.kind === 'timeout' ||
  error.kind === 'full' ||
  error.kind === 'read-only' ||
  (error.kind === 'configuration' && error.instanceFault === true)
