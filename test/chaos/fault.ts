import type { ProxyMode } from '../support/tcp-proxy.ts'
import type { Arena, ArenaOptions } from './arena.ts'
import type { Call } from './history.ts'

/** Where a value that was written while a fault lasted came from: of a cached category, and of a kept one. */
export interface Served {
  readonly cached: string
  readonly kept: string
}

/** A row of the fault matrix: what happens to the primary, and what of it may be seen. */
export interface Fault {
  readonly name: string
  /** What the primary must be to get it. */
  readonly arena?: ArenaOptions
  /** Why this machine can't have it. */
  readonly skip?: () => string | undefined
  inject(arena: Arena): Promise<unknown> | undefined
  heal(arena: Arena): Promise<unknown> | undefined
  /** ms that all goes well before. @default 300 */
  readonly after?: number
  /** ms that it lasts. @default 1200 */
  readonly lasts?: number
  /** What health must show of the primary while it lasts. @default 'down' */
  readonly shows?: 'down' | 'unwritable' | 'unwritable at most' | 'nothing'
  /** What it must show in one mode, if not the same. */
  readonly must?: { readonly idle?: 'unwritable' | 'nothing'; readonly load?: 'unwritable' }
  /** Where what is written meanwhile may be read from, if not where `shows` says. */
  readonly serves?: Partial<Readonly<Record<keyof Served, readonly string[]>>>
  /** Writers where it is idle otherwise. @default 0 */
  readonly writers?: number
  /** ms in which it must be back. @default 12,000 */
  readonly back?: number
  /** Too long for both modes. */
  readonly idleOnly?: true
  /** It stops this process, too, or sets its clock. */
  readonly alone?: true
  /** Nothing is left unanswered, so that not even an increment may fail. */
  readonly answers?: true
  /** The secondary has it, too: what a counter was before isn't known. */
  readonly both?: true
  /** The primary comes back with less than it had. */
  readonly loses?: boolean
  /** Nobody can notice before the next look; what was read until then isn't judged. */
  readonly blinds?: true
  /** Keys at which somebody else puts what is none of ours. A get misses it; `keys`, which looks at names only, finds it. */
  readonly foreign?: readonly string[]
  /** Errors that are right, besides those of increments whose outcome isn't known. */
  readonly mayFail?: (call: Call) => boolean
  /** Errors that callers must see, as 'cache.get CACHE_UNAVAILABLE'. */
  readonly fails?: readonly string[]
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
/** Kept across a crash by the system's buffers: the server writes the file before it answers. */
export const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
export const config = (name: string, value: string | number) => (arena: Arena) =>
  arena.command('CONFIG', 'SET', name, value)
const mode = (name: ProxyMode) => (arena: Arena) => arena.wire?.mode(name)
export const wired = (name: string, how: ProxyMode, more: Partial<Fault> = {}): Fault => ({
  name,
  arena: { wire: true },
  inject: mode(how),
  heal: mode('pass'),
  ...more,
})
