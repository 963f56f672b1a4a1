import type { Instance } from '../../instances/instance.js'
import type { CallOptions } from '../../instances/store.js'
import type { CategorySettings } from '../../settings/settings.js'
import type { EntryName } from '../shelf.js'
import type { Copies, CopiesParts } from '../stand-in/copies.js'
import type { Trace } from '../stand-in/copy-sites.js'
import type { CachedOverlay } from './overlay-view.js'

export interface CachedShelfParts extends CopiesParts {
  /** For tests, to see that it is what helps: `overlay: false` reads without looking into the journal. */
  readonly weakened?: { readonly overlay?: boolean } | undefined
}

/** What the parts of one cached category's shelf share. */
export interface CachedSetting {
  readonly category: CategorySettings
  readonly home: Instance
  readonly parts: CachedShelfParts
  readonly overlay: CachedOverlay
  readonly copies: Copies
  /** To be told of every change that is acknowledged. */
  readonly settle: Trace['settle']
  /** ms that all attempts of one call share. */
  readonly readMs: () => number
  readonly writeMs: () => number
  /** For a first attempt at home: what the category sets, else the instance's own rule. */
  readonly reading: CallOptions | undefined
  readonly writing: CallOptions | undefined
}

export const keyOf = ({ redisKey }: EntryName): string => redisKey
