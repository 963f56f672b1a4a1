import { type Finding, type ServerOf, sameServers, unfitForState } from '../findings.js'
import { unencrypted } from '../settings/instances.js'
import { typesVariable, urlVariable } from '../settings/names.js'
import { isLoopback } from '../settings/redis-url.js'
import type { Settings } from '../settings/settings.js'
import type { Advice, InstanceView } from './contract.js'
import { listOf } from './list-of.js'

/** What advice is given about. */
export interface AdviceFacts {
  readonly settings: Pick<Settings, 'instances' | 'state' | 'categories' | 'dir'>
  readonly production: boolean
  readonly instances: readonly InstanceView[]
  readonly serverOf: ServerOf
  /** Processes that send some categories elsewhere. */
  readonly otherRouting: readonly string[]
  /** Instances for which more writes wait than a while ago. */
  readonly growing: ReadonlySet<string>
  /** There is a folder in which writes can wait. */
  readonly journal: boolean
}

const FULL = 0.85
/** Above this (ms) deadlines grow with the distance. */
const FAR = 40
const ORDER: readonly Advice['level'][] = ['error', 'warning', 'note']

/** Pure: what isn't as it should be, in plain sentences, the most urgent first. */
export const adviceOn = (facts: AdviceFacts): readonly Advice[] => {
  const all = [...aboutAll(facts), ...facts.instances.flatMap((instance) => aboutOne(instance, facts))]
  return ORDER.flatMap((level) => all.filter((advice) => advice.level === level))
}

const as = (level: Advice['level'], findings: readonly Finding[]): Advice[] =>
  findings.map(({ text, doThis }) => ({ level, text, doThis }))

const aboutAll = ({ settings, production, serverOf, otherRouting, journal }: AdviceFacts): Advice[] => {
  const { instances, dir } = settings
  const redis = instances.filter(({ url }) => url !== undefined)
  return [
    ...as('error', sameServers(settings, serverOf)),
    ...as('warning', unfitForState(settings, serverOf)),
    ...as(production ? 'warning' : 'note', unencrypted(instances)),
    ...(redis.length === 0
      ? as(production ? 'warning' : 'note', [
          {
            text: `there is no Redis: state and cache are files of this machine (${dir})`,
            doThis: `set ${urlVariable('primary')}, so that they outlive it and other servers share them`,
          },
        ])
      : []),
    ...(redis.length === 1
      ? as('note', [
          {
            text: 'there is one Redis only: while it is away, files of this machine are all there is',
            doThis: `set ${urlVariable('secondary')} to a second one`,
          },
        ])
      : []),
    ...(redis.length > 0 && !journal
      ? as('error', [
          {
            text: 'no folder can be used for what has to wait for an instance: kept data is refused while one is away',
            doThis: 'set MOTIA_REDIS_DIR to a folder of this machine that the server may write',
          },
        ])
      : []),
    ...(otherRouting.length > 0
      ? as('warning', [
          {
            text: `another server process sends some categories to other instances than this one (${otherRouting.join(', ')})`,
            doThis: "give all servers the same configuration; until then they don't see each other's entries of those",
          },
        ])
      : []),
  ]
}

const aboutOne = (instance: InstanceView, facts: AdviceFacts): Advice[] =>
  [standing, memory, copies, waiting, distance].flatMap((look) => look(instance, facts))

type Look = (instance: InstanceView, facts: AdviceFacts) => Advice[]

const standing: Look = (
  { name, kind, state, readable, writable, reason, role, categories, standsInFor },
  { instances },
) => {
  const why = reason === undefined ? '' : `: ${reason}`
  if (role === 'slave' || role === 'replica')
    return as('error', [
      {
        text: `${name} is a replica, so it takes no writes`,
        doThis: `point ${urlVariable(name)} at the primary of that server`,
      },
    ])
  if (state === 'down' && reason?.startsWith('drill') === true)
    return as('note', [{ text: `a drill is going on at ${name}`, doThis: 'wait until it ends' }])
  if (state === 'down') {
    const served = instances
      .filter((other) => other.standsInFor.some((category) => categories.includes(category)))
      .map((other) => other.name)
    const meanwhile =
      served.length === 0 ? '' : `; ${listOf(served)} ${served.length === 1 ? 'serves' : 'serve'} meanwhile`
    return as('error', [
      {
        text: `${name} is down${why}`,
        doThis: `start it again, or correct ${urlVariable(name)}; it gets what it missed when it is back${meanwhile}`,
      },
    ])
  }
  if (readable && !writable)
    return as('error', [
      {
        text: `${name} takes no writes${why}`,
        doThis: 'see what its server says, and make room if it is full; what is written goes elsewhere until then',
      },
    ])
  return kind === 'redis' && standsInFor.length > 0
    ? as('note', [
        {
          text: `${name} stands in for ${listOf(standsInFor)}`,
          doThis: 'watch its memory: it holds what others would',
        },
      ])
    : []
}

const memory: Look = ({ name, memory: of, holdsState }, { settings, instances }) => {
  if (of === undefined || of.max === 0) return []
  const keeps = [...settings.categories.values()].some(({ mirror }) => mirror) || settings.state.mirror
  const share = of.used / of.max
  return [
    ...(share > FULL
      ? as(share > 1 - (1 - FULL) / 3 ? 'error' : 'warning', [
          {
            text: `${name} is ${Math.round(share * 100)} % full`,
            doThis: `raise its maxmemory, give shorter ttls, or move a category to another instance (${typesVariable(name)})`,
          },
        ])
      : []),
    // Of state's home it is said already.
    ...(of.policy.startsWith('allkeys-') && keeps && !holdsState && instances.length > 1
      ? as('warning', [
          {
            text: `${name} may evict copies of kept data, and what tells which is the latest (maxmemory-policy ${of.policy})`,
            doThis: 'set it to volatile-lru or noeviction',
          },
        ])
      : []),
  ]
}

const copies: Look = ({ name, tracking }) =>
  tracking === 'refused'
    ? as('warning', [
        {
          text: `${name} doesn't tell what changes (CLIENT TRACKING is refused): copies in memory live 1 s at most`,
          doThis: 'give its user +client|tracking; where the service has no such command, leave it',
        },
      ])
    : []

const waiting: Look = ({ name, state, writable, journal: { entries, aside } }, { growing }) => [
  ...(entries > 0 && growing.has(name)
    ? as(state === 'up' && writable ? 'error' : 'warning', [
        {
          text: `${entries} ${entries === 1 ? 'write waits' : 'writes wait'} for ${name}, and they become more`,
          doThis:
            state === 'up' && writable
              ? 'look for "work in the background failed" in the log: often its user lacks a right'
              : 'bring it back before the journal is full: then kept data is refused',
        },
      ])
    : []),
  ...(aside > 0
    ? as('warning', [
        {
          text: `${aside} ${aside === 1 ? 'write' : 'writes'} of earlier outages never reached ${name} and ${aside === 1 ? 'lies' : 'lie'} apart`,
          doThis: 'check the workflows of that time: docs/outages.md, "Runbook"',
        },
      ])
    : []),
]

const distance: Look = ({ name, state, latency, kind }, { settings }) => {
  const host = settings.instances.find((each) => each.name === name)?.url?.host
  // One of this very machine is slow for another reason, which no region mends.
  const far = kind === 'redis' && host !== undefined && !isLoopback(host)
  return far && state === 'up' && latency !== undefined && latency > FAR
    ? as('note', [
        {
          text: `${name} answers in ${Math.round(latency)} ms, so its deadlines are longer`,
          doThis: 'choose a region that is nearer to this server',
        },
      ])
    : []
}
