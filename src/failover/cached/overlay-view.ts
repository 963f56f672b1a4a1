import { tagsIn } from '../../codec/envelope.js'
import type { Instance } from '../../instances/instance.js'
import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope, type Scope } from '../journal/journal-entries.js'
import type { Found } from '../journal/journal-overlay.js'
import { createSteadySums, type SteadySums } from '../journal/steady-sums.js'
import type { Landscape } from '../landscape.js'

/** What waits for home and concerns one cached category. */
export interface CachedOverlay {
  readonly scope: Scope
  find(key: string): Found | undefined
  /** What is at home under any of the keys, or with any of the tags, isn't to be read; increments wait for any of them. */
  about(names: readonly { readonly key: string; readonly tags?: readonly string[] | undefined }[]): {
    readonly invalid: boolean
    readonly counted: boolean
  }
  /** The increments that wait for home. */
  readonly sums: SteadySums
  /** A text from home bears a tag that was invalidated. */
  tagged(text: string): boolean
  /** There may be such texts. */
  mayBeTagged(): boolean
}

export const overlayOf = (
  category: CategorySettings,
  home: Instance,
  { journal }: Landscape,
  looking: boolean,
): CachedOverlay => {
  const scope = categoryScope(category.name)
  const find = (key: string): Found | undefined => (looking ? journal?.find(home.name, scope, key) : undefined)
  const invalidated = (tags: readonly string[]): boolean =>
    looking && journal?.findTags(home.name, scope, tags)?.invalid === true
  return {
    scope,
    sums: createSteadySums(looking ? journal : undefined, home, scope),
    find,
    about: (names) => {
      let invalid = false
      let counted = false
      for (const { key, tags } of names) {
        const found = find(key)
        invalid ||= found?.invalid === true || (tags !== undefined && invalidated(tags))
        counted ||= found?.counted === true
      }
      return { invalid, counted }
    },
    mayBeTagged: () => looking && journal?.holdsTags(home.name) === true,
    tagged: (text) => looking && journal?.holds(home.name) === true && invalidated(tagsIn(text)),
  }
}
