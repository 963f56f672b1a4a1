import type { Instance } from '../instances/instance.js'
import { route } from '../routing/strategies.js'
import { rawCategory, unlistedCategory } from '../settings/categories.js'
import type { Settings } from '../settings/settings.js'
import type { Journal } from './journal/journal.js'
import type { Landscape, LastResortStore } from './landscape.js'
import type { Clock } from './versions/clock.js'

export interface LandscapeParts {
  readonly settings: Settings
  readonly instances: ReadonlyMap<string, Instance>
  readonly clock: Clock
  readonly journal: Journal | undefined
  /** @default its name */
  readonly idOf?: (instance: string) => string
  /** @default none is */
  readonly behind?: (instance: string) => boolean
  /** @default none is */
  readonly unsure?: (instance: string) => boolean
  /** @default none is */
  readonly stale?: (instance: string) => boolean
  /** They are one server, so neither is of use when the other fails. @default none are */
  readonly twins?: (one: string, other: string) => boolean
  readonly lastResort: LastResortStore | undefined
}

export const createLandscape = ({ settings, ...parts }: LandscapeParts): Landscape => {
  const { instances, journal, stale = () => false, twins = () => false } = parts
  const names = [...instances.keys()]
  /** The others, beginning with the one after it. */
  const after = new Map(
    names.map((name, at) => [
      name,
      [...names.slice(at + 1), ...names.slice(0, at)].flatMap((other) => instances.get(other) ?? []),
    ]),
  )
  return {
    ...parts,
    idOf: parts.idOf ?? ((name) => name),
    behind: parts.behind ?? (() => false),
    unsure: parts.unsure ?? (() => false),
    stale,
    categoryOf: (name) => {
      const first = settings.instances[0]?.name ?? ''
      if (name === '') return rawCategory(first)
      const found = route(settings, name)
      return 'category' in found ? found.category : unlistedCategory(settings, name, first)
    },
    calm: (name) => {
      const instance = instances.get(name)
      if (instance === undefined || !instance.readable() || !instance.writable() || stale(name)) return false
      return journal === undefined || !journal.holds(name)
    },
    standInsOf: (home) =>
      (after.get(home) ?? []).filter((other) => other.readable() && other.writable() && !twins(home, other.name)),
    mirrorOf: (home) => after.get(home)?.find(({ name }) => !twins(home, name)),
  }
}
