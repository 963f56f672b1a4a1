import type { Instance } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import type { CategorySettings, Settings } from '../../settings/settings.js'
import { isGroup, type Scope } from '../journal/journal-entries.js'
import type { Landscape } from '../landscape.js'
import { namesNotedAt } from './unlisted-names.js'

/** Which instances hold what, by configuration. */
export interface DataPlaces {
  /** Where what is kept in a group or category belongs: its home, then its mirror if it has one. */
  of(scope: Scope): readonly string[]
  /** What the keys of a category's entries begin with there. Undefined: none lie there. */
  prefixAt(instance: string, category: CategorySettings): string | undefined
  /** Those whose entries may be dropped at home: nothing is lost but time. Also those that only others have met. */
  cachedAt(instance: Instance): Promise<readonly CategorySettings[]>
  /** With what an instance shares kept data, and what. */
  sharedBy(instance: string): readonly Shared[]
}

export interface Shared {
  readonly other: string
  readonly categories: readonly CategorySettings[]
  readonly groups: boolean
}

/** Categories that are not configured have no mirror. */
export const createDataPlaces = (
  landscape: Landscape,
  layout: Layout,
  { categories, state }: Pick<Settings, 'categories' | 'state'>,
): DataPlaces => {
  const placesOf = (home: string, mirrored: boolean): readonly string[] => {
    const mirror = mirrored ? landscape.mirrorOf(home)?.name : undefined
    return mirror === undefined ? [home] : [home, mirror]
  }
  const ofCategory = ({ instance, mirror }: CategorySettings): readonly string[] => placesOf(instance, mirror)
  const ofGroups = (): readonly string[] => placesOf(state.instance, state.mirror)
  const beside = (instance: string, places: readonly string[]): string | undefined =>
    places.includes(instance) ? places.find((place) => place !== instance) : undefined

  return {
    of: (scope) => (isGroup(scope) ? ofGroups() : ofCategory(landscape.categoryOf(nameIn(scope)))),

    prefixAt: (instance, category) => {
      const [home, mirror] = ofCategory(category)
      if (instance === home) return category.keyPrefix
      return instance === mirror ? layout.mirror(category.instance) + category.keyPrefix : undefined
    },

    cachedAt: async (instance) => {
      const others = (await namesNotedAt(instance, layout)).filter((name) => !categories.has(name))
      return [...categories.values(), ...others.map(landscape.categoryOf)].filter(
        (each) => each.instance === instance.name && !each.mirror,
      )
    },

    sharedBy: (instance) =>
      [...landscape.instances.keys()].flatMap((other) => {
        const shared = [...categories.values()].filter((each) => beside(instance, ofCategory(each)) === other)
        const groups = beside(instance, ofGroups()) === other
        return shared.length > 0 || groups ? [{ other, categories: shared, groups }] : []
      }),
  }
}

/** The group's or category's own name. */
export const nameIn = (scope: Scope): string => scope.slice(2)
