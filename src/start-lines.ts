import type { Landscape } from './failover/landscape.js'
import type { StoreHealth } from './instances/store.js'
import { urlVariable } from './settings/names.js'
import { isLoopback } from './settings/redis-url.js'
import type { CategorySettings, InstanceSettings, Settings } from './settings/settings.js'

const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1).replace(/\.0$/, '')

/** Above this median round trip (ms) the deadlines grow with the distance, which is worth saying once. */
const far = 40

/** What an instance is home of, in the order it was listed; declared categories after the listed ones. */
export const homedOn = (settings: Settings, instance: string): string[] =>
  [...settings.categories.values()].filter((category) => category.instance === instance).map(({ name }) => name)

const rolesOf = (settings: Settings, instance: string): string =>
  [homedOn(settings, instance).join(' '), ...(settings.state.instance === instance ? ['state'] : [])]
    .filter((role) => role !== '')
    .join(', ')

const upLine = (health: StoreHealth, instance: InstanceSettings): string[] => {
  if (instance.url === undefined) return ['embedded, kept in files of this machine']
  const { latency, memory, server } = health
  return [
    ...(latency === undefined ? [] : [`${Math.max(1, Math.round(latency))} ms`]),
    ...(server === undefined ? [] : [`Redis ${server.version}`]),
    ...(memory === undefined
      ? []
      : [memory.max > 0 ? `${megabytes(memory.used)} of ${megabytes(memory.max)} MB` : `${megabytes(memory.used)} MB`]),
    ...(latency !== undefined && latency > far && !isLoopback(instance.url.host)
      ? ['far away: deadlines are 8x the round trip']
      : []),
  ]
}

/** Reasons name the variable to look at themselves; without one, it is the address that is worth a look. */
export const reasonFor = (
  instance: string,
  reason = `no answer yet from the address in ${urlVariable(instance)}`,
): string => reason

/**
 * What serves while `home` can't: the name of an instance, or 'embedded'. Undefined: nothing. What is mirrored lies on one
 * other instance only; without that the journal is left.
 */
export const standInOf = (
  { standInsOf, mirrorOf, journal, lastResort }: Pick<Landscape, 'standInsOf' | 'mirrorOf' | 'journal' | 'lastResort'>,
  home: string,
  mirrored: boolean,
): string | undefined => {
  const mirror = mirrored ? mirrorOf(home) : undefined
  if (mirror !== undefined) return mirror.readable() ? mirror.name : journal && 'embedded'
  const last = lastResort !== undefined && lastResort.available?.() !== false
  return standInsOf(home)[0]?.name ?? (last ? 'embedded' : undefined)
}

/** What stands in for an instance, as far as its categories differ in that. */
export type StandIns = (mirrored: boolean) => string | undefined

/** What an instance's absence means for its categories. */
export const consequence = (settings: Settings, instance: string, standInFor: StandIns): string => {
  const homed = homedOn(settings, instance).flatMap((name) => settings.categories.get(name) ?? [])
  const names = (of: (category: CategorySettings) => boolean): string =>
    homed
      .filter(of)
      .map(({ name }) => name)
      .join(' ')
  const placeOf = ({ onOutage, mirror }: CategorySettings): string | undefined =>
    onOutage === 'failover' ? standInFor(mirror) : undefined
  const homeOfState = settings.state.instance === instance
  const state = homeOfState && settings.state.mirror ? standInFor(true) : undefined
  const places = new Set([...homed.map(placeOf), state].filter((place) => place !== undefined))
  const served = [...places].flatMap((place) => {
    const roles = [
      names((each) => placeOf(each) === place),
      ...(state === place && place !== 'embedded' ? ['state'] : []),
    ]
    const all = roles.filter((role) => role !== '').join(', ')
    return all === '' ? [] : [`${place === 'embedded' ? 'the embedded store' : place} stands in for ${all}`]
  })
  // Files stand in for its mirror: in them is what this server wrote, and a copy that may be of another time.
  const partOfState =
    homeOfState && (state === 'embedded' || (!settings.state.mirror && standInFor(true) !== undefined))
  const staying = names((each) => each.onOutage !== 'drop' && placeOf(each) === undefined)
  const dropped = names(({ onOutage }) => onOutage === 'drop')
  return [
    ...served,
    ...(partOfState ? ['state: as far as this server knows it'] : []),
    ...(staying === '' ? [] : [`unavailable until it is back: ${staying}`]),
    ...(dropped === '' ? [] : [`not kept until it is back: ${dropped}`]),
  ].join('; ')
}

/** What the app gets besides the instances; undefined: nothing of it. */
export const gainsLine = (injected: boolean, tab: string | undefined): string | undefined => {
  const gains = [
    ...(injected ? ['context.cache is in every step'] : []),
    ...(tab === undefined ? [] : [`Workbench tab "${tab}"`]),
  ]
  return gains.length === 0 ? undefined : gains.join('; ')
}

const awayLine = (
  settings: Settings,
  { name, url }: InstanceSettings,
  { reason }: StoreHealth,
  standInFor: StandIns,
): string => {
  const then =
    url === undefined
      ? `unavailable until it is back: ${rolesOf(settings, name)}`
      : consequence(settings, name, standInFor)
  return [reasonFor(name, reason), then].filter((part) => part !== '').join('; ')
}

/** One line per instance, columns aligned. Nothing in it is secret: reasons come redacted from the store. */
export const startLines = (
  settings: Settings,
  healthOf: (instance: string) => StoreHealth,
  standInsOf: (instance: string) => StandIns,
): string[] => {
  const width = Math.max(...settings.instances.map((instance) => instance.name.length))
  return settings.instances.map((instance) => {
    const health = healthOf(instance.name)
    const roles = rolesOf(settings, instance.name)
    const facts =
      health.state === 'up' || health.state === 'suspect'
        ? ['up  ', ...upLine(health, instance), roles]
        : ['DOWN', awayLine(settings, instance, health, standInsOf(instance.name))]
    return [instance.name.padEnd(width), ...facts.filter((fact) => fact !== '')].join('  ')
  })
}
