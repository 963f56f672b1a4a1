import type { InstanceView, RouteView } from '../../../sight/contract.js'
import { placeWord } from '../instance-words.js'

/** What goes the same way when all is well: state, or the categories of one home. */
export interface Lane {
  readonly id: string
  readonly temperature: 'hot' | 'warm' | 'cold'
  readonly home: string
  readonly routes: readonly RouteView[]
}

/**
 * A way between a lane and an instance. home: as it should be; stand-in: another serves; away: home, which doesn't
 * serve now; refused: nobody serves; mirror: a second copy of every write.
 */
export interface Link {
  readonly lane: string
  readonly to: string
  readonly kind: 'home' | 'stand-in' | 'away' | 'refused' | 'mirror'
  readonly names: readonly string[]
}

/** What is written beside a way; that of home is without a word. */
export const wordOf = ({ kind }: Pick<Link, 'kind'>): string => (kind === 'home' ? '' : kind)

/** Where data may lie: the instances, and what else serves now without being one. */
export interface Target {
  readonly name: string
  readonly instance: InstanceView | undefined
}

/** Hot first, then the primary's categories, then those of the others in the order of the instances. */
export const lanesOf = (routing: readonly RouteView[], instances: readonly InstanceView[]): readonly Lane[] => {
  const state = routing.filter(({ kind }) => kind === 'state')
  const categories = routing.filter(({ kind }) => kind === 'category')
  const order = instances.map(({ name }) => name)
  const homes = [...new Set(categories.map(({ home }) => home))].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  const warm = homes.includes('primary') ? 'primary' : homes[0]
  return [
    ...state.map((route): Lane => ({ id: 'state', temperature: 'hot', home: route.home, routes: [route] })),
    ...homes.map(
      (home): Lane => ({
        id: `categories:${home}`,
        temperature: home === warm ? 'warm' : 'cold',
        home,
        routes: categories.filter((route) => route.home === home),
      }),
    ),
  ]
}

export const linksOf = (lane: Lane): readonly Link[] => {
  const at = (routes: readonly RouteView[], to: string, kind: Link['kind']): Link[] =>
    routes.length === 0 ? [] : [{ lane: lane.id, to, kind, names: routes.map(({ name }) => name) }]
  const elsewhere = lane.routes.filter(({ servedBy }) => servedBy !== undefined && servedBy !== lane.home)
  const standIns = [...new Set(elsewhere.flatMap(({ servedBy }) => servedBy ?? []))]
  const mirrors = [...new Set(lane.routes.flatMap(({ mirror }) => mirror ?? []))]
  const atHome = lane.routes.filter(({ servedBy }) => servedBy === lane.home)
  const refused = lane.routes.filter(({ servedBy }) => servedBy === undefined)
  return [
    ...at(atHome, lane.home, 'home'),
    ...at(refused, lane.home, 'refused'),
    // Where some are refused at home, that says already that home is away.
    ...(refused.length > 0 ? [] : at(elsewhere, lane.home, 'away')),
    ...standIns.flatMap((name) =>
      at(
        elsewhere.filter(({ servedBy }) => servedBy === name),
        name,
        'stand-in',
      ),
    ),
    ...mirrors
      .filter((name) => !standIns.includes(name))
      .flatMap((name) =>
        at(
          lane.routes.filter(({ mirror }) => mirror === name),
          name,
          'mirror',
        ),
      ),
  ]
}

export const targetsOf = (routing: readonly RouteView[], instances: readonly InstanceView[]): readonly Target[] => {
  const known = instances.map((instance): Target => ({ name: instance.name, instance }))
  const others = new Set(routing.flatMap(({ servedBy }) => servedBy ?? []))
  for (const { name } of known) others.delete(name)
  return [...known, ...[...others].map((name): Target => ({ name, instance: undefined }))]
}

/** The picture in words, for those who can't see it. */
export const inWords = (lanes: readonly Lane[]): string =>
  lanes
    .flatMap((lane) => linksOf(lane).filter(({ kind }) => kind !== 'away'))
    .map(({ names, to: place, kind }) => {
      const [what, to] = [names.join(', '), placeWord(place)]
      if (kind === 'refused') return `${what}: refused while ${to} is away.`
      if (kind === 'mirror') return `${what}: mirrored on ${to}.`
      return `${what}: served by ${to}${kind === 'stand-in' ? ', its stand-in' : ''}.`
    })
    .join(' ')
