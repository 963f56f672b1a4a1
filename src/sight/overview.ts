import type { InstanceHealth } from '../../types/index.js'
import type { Figures } from '../instances/looks.js'
import { version } from '../version.js'
import { adviceOn } from './advice.js'
import type { InstanceView, Overview } from './contract.js'
import type { Live } from './live.js'
import type { SightParts } from './parts.js'
import { routingNow } from './routing-now.js'
import type { Trend } from './trend.js'

export interface OverviewParts extends SightParts {
  readonly live: Live
  readonly trend: Trend
}

/** How everything is at this moment. What an instance counts itself is asked; all else is known. */
export const createOverview = (parts: OverviewParts) => {
  const { settings, production, processId, startedAt, failover, health, timeline, live, trend } = parts

  const { landscape } = failover

  return async (): Promise<Overview> => {
    const figures = new Map(
      await Promise.all(settings.instances.map(async ({ name }) => [name, await live(name)] as const)),
    )
    const { status, instances, otherRouting = [] } = health()
    const views = instances.map((instance) => instanceView(parts, instance, figures.get(instance.name)))
    return {
      now: Date.now(),
      server: {
        processId,
        version,
        startedAt,
        namespace: settings.namespace,
        production,
        readOnly: settings.panel === 'read-only',
      },
      status,
      instances: views,
      routing: routingNow({ ...parts, landscape }),
      timeline: timeline.all(),
      advice: adviceOn({
        ...{ settings, production, otherRouting, instances: views },
        serverOf: (name) => instances.find((instance) => instance.name === name),
        growing: new Set(views.filter((view) => trend.grows(view.name, view.journal.entries)).map(({ name }) => name)),
        journal: landscape.journal !== undefined,
      }),
    }
  }
}

const instanceView = (
  { settings, looks, failover }: SightParts,
  health: InstanceHealth,
  figures: Figures | undefined,
): InstanceView => {
  const { name, state, since, reason, readable, writable, categories, standsInFor, tracking, journal } = health
  const latencies = looks.get(name)?.latencies() ?? []
  const server = figures?.server ?? health.server
  return {
    name,
    kind: looks.has(name) ? 'redis' : 'embedded',
    state,
    since,
    reason,
    readable,
    writable,
    latencies,
    latency: median(latencies.slice(-RECENT)) ?? health.latency,
    serverVersion: server?.version,
    role: server?.role,
    memory: figures?.memory ?? health.memory,
    // What it counted a moment ago isn't what it counts.
    live:
      state === 'down' || figures === undefined
        ? undefined
        : {
            opsPerSecond: figures.opsPerSecond,
            hitRate: share(figures.hits, figures.misses),
            clients: figures.clients,
            keys: figures.keys,
            evicted: figures.evicted,
            expired: figures.expired,
          },
    tracking,
    categories,
    standsInFor,
    holdsState: settings.state.instance === name,
    journal: { ...journal, oldest: journal.oldest, aside: journal.aside ?? 0 },
    recovery: failover.progress(name),
  }
}

/** So many of the last round trips make the latency that is shown. */
const RECENT = 9

const median = (values: readonly number[]): number | undefined => values.toSorted((a, b) => a - b)[values.length >> 1]

const share = (hits: number, misses: number): number | undefined =>
  hits + misses === 0 ? undefined : hits / (hits + misses)
