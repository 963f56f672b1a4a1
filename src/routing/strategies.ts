import { unlistedCategory } from '../settings/categories.js'
import { didYouMean } from '../settings/did-you-mean.js'
import { overlap } from '../settings/key-pattern.js'
import type { CategorySettings, Settings, Strategy } from '../settings/settings.js'
import { stableHome } from '../settings/stable-home.js'

/** Where a name leads: a category, with a line to log once if it was listed nowhere; or why there is none. */
type Route = { readonly category: CategorySettings; readonly notice: string | undefined } | { readonly refused: string }

type RouteName = (settings: Settings, name: string) => Route

/** Listed categories to their home, others to a home that follows from the name alone. */
const smart: RouteName = (settings, name) =>
  listed(settings, name) ?? unlisted(settings, name, stableHome(name, openInstances(settings)))

/** Listed categories only. */
const category: RouteName = (settings, name) =>
  listed(settings, name) ?? {
    refused: `${unknown(settings, name)}; list it in REDIS_<NAME>_TYPES or declare it in categories`,
  }

/** Everything on the first instance: listed categories have it as their home already. */
const primary: RouteName = (settings, name) =>
  listed(settings, name) ?? unlisted(settings, name, settings.instances[0]?.name ?? '')

const strategies: Record<Strategy, RouteName> = { smart, category, primary }

/** The route of a well-formed category name under the configured strategy. */
export const route: RouteName = (settings, name) => strategies[settings.strategy](settings, name)

const listed = (settings: Settings, name: string): Route | undefined => {
  const found = settings.categories.get(name)
  return found === undefined ? undefined : { category: found, notice: undefined }
}

const unlisted = (settings: Settings, name: string, instance: string): Route => {
  const found = unlistedCategory(settings, name, instance)
  const other = [...settings.categories.values()].find((c) => c.enumerable && overlap(c.keyPrefix, found.keyPrefix))
  if (other !== undefined) {
    return {
      refused: `${unknown(settings, name)}, and its keys would begin like those of ${other.name}; declare it with a key of its own`,
    }
  }
  return { category: found, notice: `${unknown(settings, name)}; it lives on ${instance} with the defaults of 'cache'` }
}

const unknown = (settings: Settings, name: string): string =>
  `category '${name}' is listed nowhere${didYouMean(name, settings.categories.keys())}`

/** An instance whose keys have no text before them has no room for another category. */
const openInstances = (settings: Settings): string[] => {
  const bare = new Set([...settings.categories.values()].filter((c) => !c.enumerable).map((c) => c.instance))
  return settings.instances.map((instance) => instance.name).filter((name) => !bare.has(name))
}
