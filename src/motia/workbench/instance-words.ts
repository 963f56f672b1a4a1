import type { InstanceView, Overview } from '../../sight/contract.js'
import type { Tone } from './tone.js'

type Standing = Pick<InstanceView, 'state' | 'readable' | 'writable'>

/** How an instance stands, in a word or two. */
export const stateWord = ({ state, readable, writable }: Standing): string => {
  if (state === 'up' && !writable) return 'takes no writes'
  if (state === 'up' && !readable) return 'not read yet'
  return words[state]
}

export const instanceTone = ({ state, readable, writable }: Standing): Tone => {
  if (state === 'down') return 'bad'
  if (state === 'catching-up' || state === 'probing') return 'info'
  return state === 'up' && readable && writable ? 'ok' : 'warn'
}

const words: Readonly<Record<InstanceView['state'], string>> = {
  up: 'up',
  suspect: 'suspect',
  down: 'down',
  probing: 'probing',
  'catching-up': 'catching up',
}

/** How the whole stands. */
export const statusWord = ({
  status,
  routing,
  instances,
}: Pick<Overview, 'status' | 'routing' | 'instances'>): string => {
  if (status === 'ok') return 'All instances serve'
  if (status === 'outage') return 'No instance serves'
  if (routing.some(({ servedBy }) => servedBy === undefined)) return 'Not everything is served'
  if (routing.some(({ servedBy, home }) => servedBy !== home)) return 'A stand-in serves'
  const troubled = instances.find(({ readable, writable }) => !readable || !writable)
  return troubled === undefined ? 'An instance is away' : `${troubled.name}: ${stateWord(troubled)}`
}

/** Why something isn't served by its home alone: an instance may be there, and serve a part. */
export const troubleOf = (home: string, instances: readonly (Standing & { readonly name: string })[]): string => {
  const instance = instances.find(({ name }) => name === home)
  if (instance?.state === 'catching-up') return `${home} is catching up`
  if (instance?.readable && !instance.writable) return `${home} takes no writes now`
  return `${home} is away`
}

/** Where something lies or comes from: an instance's name, or what else there is, in words. */
export const placeWord = (place: string): string => places.get(place) ?? place

const places: ReadonlyMap<string, string> = new Map([
  ['embedded', 'files of this machine'],
  ['motia-state', "Motia's state"],
  ['l1', "this server's memory"],
])

/** When the drill is over that an instance is away for, epoch ms. Undefined: it is no drill. */
export const drillEnd = (reason: string): number | undefined => {
  const [, until] = /^drill: .*until (\S+)$/.exec(reason) ?? []
  return until === undefined ? undefined : Date.parse(until)
}
