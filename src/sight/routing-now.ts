import { keptPlaces, readOrder } from '../failover/kept/kept-places.js'
import type { Landscape } from '../failover/landscape.js'
import { keepsCopies } from '../invalidation/invalidation.js'
import type { CategorySettings, Settings } from '../settings/settings.js'
import { standInOf } from '../start-lines.js'
import type { RouteView } from './contract.js'

export interface RoutingParts {
  readonly settings: Settings
  readonly landscape: Landscape
  /** What is left when no instance is: files of this machine, or the app's own state adapter. */
  readonly lastPlace: () => 'embedded' | 'motia-state'
}

/** Who answers for what at this moment: state first, then every listed category. No I/O. */
export const routingNow = (parts: RoutingParts): readonly RouteView[] => {
  const { settings, landscape } = parts
  const { state, categories } = settings
  return [
    {
      name: 'state',
      kind: 'state',
      home: state.instance,
      servedBy: servedKept(parts, state.instance, state.mirror),
      mirror: state.mirror ? landscape.mirrorOf(state.instance)?.name : undefined,
      kept: state.mirror,
      onOutage: 'failover',
      l1: false,
      sensitive: false,
    },
    ...[...categories.values()].map(
      (category): RouteView => ({
        name: category.name,
        kind: 'category',
        home: category.instance,
        servedBy: servedBy(parts, category),
        mirror: category.mirror ? landscape.mirrorOf(category.instance)?.name : undefined,
        kept: category.mirror,
        onOutage: category.onOutage,
        l1: keepsCopies(settings, category),
        sensitive: category.sensitive,
      }),
    ),
  ]
}

/** The place that is asked first. Undefined: nobody answers. */
export const servedBy = (
  parts: RoutingParts,
  { instance: home, mirror, onOutage }: CategorySettings,
): string | undefined => {
  const { landscape, lastPlace } = parts
  if (mirror) return servedKept(parts, home, true)
  const instance = landscape.instances.get(home)
  // An embedded one is always there.
  if (instance === undefined) return home
  const reads = instance.readable() && !landscape.stale(home)
  if (onOutage !== 'failover') return reads ? home : undefined
  // While it takes no writes, what was written meanwhile lies elsewhere, and that is looked for first.
  if (reads && instance.writable()) return home
  const standIn = standInOf(landscape, home, false)
  if (standIn === undefined) return reads ? home : undefined
  return standIn === 'embedded' ? lastPlace() : standIn
}

/** What lies on two instances, or here if neither can be asked. */
const servedKept = ({ landscape }: RoutingParts, home: string, mirrored: boolean): string | undefined => {
  const instance = landscape.instances.get(home)
  if (instance === undefined) return home
  const [first] = readOrder(keptPlaces(instance, landscape, mirrored), landscape)
  return first?.name ?? (landscape.journal && 'embedded')
}
