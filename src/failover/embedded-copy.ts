import type { Version } from './clock.js'
import type { Stored } from './kept-standing.js'

export interface EmbeddedCopy {
  complete(): boolean
  set(group: string, field: string, version: Version, text: string, endsAt: number | false): void
  delete(group: string, field: string, version: Version): void
  clear(group: string, version: Version): void
  get(group: string, field: string): Stored
  all(group: string): ReadonlyMap<string, Stored>
  groups(): readonly string[]
}
