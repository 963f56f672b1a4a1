import type { CategorySettings } from '../../settings/settings.js'
import { categoryScope, type Scope } from '../journal/journal-entries.js'
import type { Found } from '../journal/journal-overlay.js'
import type { Landscape } from '../landscape.js'

/** What waits for home and concerns one cached category. */
export interface Overlay {
  readonly scope: Scope
  find(key: string): Found | undefined
  /** What is at home under any of the keys isn't to be read; increments wait for any of them. */
  about(names: readonly { readonly key: string }[]): { readonly invalid: boolean; readonly counted: boolean }
  /** A text from home bears a tag that was invalidated. */
  tagged(text: string): boolean
}

export const overlayOf = (
  category: CategorySettings,
  home: string,
  { journal }: Landscape,
  looking: boolean,
): Overlay => {
  const scope = categoryScope(category.name)
  const find = (key: string): Found | undefined => (looking ? journal?.find(home, scope, key) : undefined)
  return {
    scope,
    find,
    about: (names) => {
      let invalid = false
      let counted = false
      for (const { key } of names) {
        const found = find(key)
        invalid ||= found?.invalid === true
        counted ||= found?.counted === true
      }
      return { invalid, counted }
    },
    tagged: (text) => {
      if (!looking || journal === undefined || !text.includes('"t":[')) return false
      return journal.findTags(home, scope, tagsOf(text))?.invalid === true
    },
  }
}

/** Tags in an envelope; a text that holds none of ours bears none. */
const tagsOf = (text: string): string[] => {
  try {
    const envelope: { readonly meta?: { readonly t?: unknown } } | null = JSON.parse(text)
    const tags = envelope?.meta?.t
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
  } catch {
    return [] // Not JSON: whoever reads it finds that out.
  }
}
