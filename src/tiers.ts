import type { HealthReport, RedisTiers, redisTiers as RedisTiersFunction, RedisTiersOptions } from '../types/index.js'
import { createCacheClient } from './cache/client.js'
import { closedError, lazyEngine } from './cache/lazy-engine.js'
import { createRedisService } from './cache/redis-service.js'
import { createEmitter } from './events.js'
import { countedName } from './metrics/meters.js'
import { instanceBehind } from './motia/adapter/other-state.js'
import { createStateAdapter } from './motia/adapter/state-adapter.js'
import { createPlugin } from './motia/plugin/plugin.js'
import { createRegistration } from './motia/plugin/registration.js'
import { isStepProcess, stepTiers } from './motia/step/step-tiers.js'
import type { Front, KeptState, OpenTiers } from './open.js'
import { consoleReport } from './report.js'
import { ConfigurationError, rememberForExit } from './settings/configuration-error.js'
import { isMotiaCli, isProduction } from './settings/production.js'
import { readSettings } from './settings/read-settings.js'
import type { Settings } from './settings/settings.js'
import { gainsLine } from './start-lines.js'

/**
 * The whole package for one app: `state` and `plugin` for motia.config.ts, `cache` for code of the server process.
 * It opens nothing: connections start when Motia builds the plugin, elsewhere at the first call. Inside a step
 * process it is the step side of the server's tiers.
 * @throws ConfigurationError that lists every fault. An unreachable Redis never makes it throw.
 */
export const redisTiers: typeof RedisTiersFunction = (options) =>
  isStepProcess() ? stepTiers() : serverTiers(settingsOf(options))

const settingsOf = <S extends object>(options: RedisTiersOptions<S> | undefined): Settings => {
  const { env, argv } = process
  try {
    return readSettings(options, { env, baseDir: process.cwd(), production: isProduction(env, argv) })
  } catch (error) {
    // Motia prints it and goes on; by the time it ends, the print has scrolled away.
    if (error instanceof ConfigurationError) rememberForExit(error)
    throw error
  }
}

const serverTiers = <R extends object>(settings: Settings): RedisTiers<R> => {
  const report = consoleReport
  const events = createEmitter(report)
  const registration = createRegistration(report)
  let opening: Promise<OpenTiers> | undefined
  let opened: OpenTiers | undefined
  let front: Front = { kind: 'app', ownState: true }
  let closed = false
  const ending = new AbortController()

  // ioredis, lmdb and superjson are loaded here, not when motia-redis is imported.
  const open = (): Promise<OpenTiers> => {
    if (closed) return Promise.reject(closedError({ category: 'cache', operation: 'open' }))
    opening ??= import('./open.js').then(async ({ openTiers, folderFree }) => {
      await folderFree(settings, report)
      opened = openTiers(settings, { report, events, front: () => front })
      return opened
    })
    // Whoever asked hears of a failure; the next call tries again.
    opening.catch(() => {
      opening = undefined
    })
    return opening
  }

  const engine = lazyEngine(
    async () => (await open()).engine,
    () => closed,
  )
  const cache = createCacheClient(engine)
  const hot = async () => {
    registration.adapterUsed()
    return (await open()).hot
  }
  const plugin = createPlugin({
    engine: async (caller) => {
      const tiers = await open()
      return caller === undefined ? tiers.engine : tiers.engineFor(caller)
    },
    inject: settings.inject,
    report,
    routes: {
      metrics: async () => (await open()).metrics(),
      sight: async () => (await open()).sight(),
      panel: settings.panel,
      production: isProduction(process.env, process.argv),
      report,
      token: settings.token,
      publicMetrics: settings.publicMetrics,
    },
    registration,
    categoryOf: (key) => countedName(settings, undefined, key),
    built: ({ injected, tab, ownState, other: state }) => {
      front = { kind: 'motia', ownState }
      const kept = state && { state, behind: (healthOf: HealthOf) => instanceBehind(state, settings, healthOf) }
      void open()
        .then((tiers) => tiers.start(kept))
        .then((lines) => {
          for (const line of lines) report.info(line)
          const gains = gainsLine(injected, tab)
          if (gains !== undefined) report.info(gains)
        })
        .catch((error) => report.error(`could not start: ${error instanceof Error ? error.message : String(error)}`))
    },
  })

  const state = createStateAdapter(hot, { brand: settings, report })

  return {
    // The public type follows the categories that the caller declared; in here they are names.
    cache: cache as unknown as RedisTiers<R>['cache'],
    get state() {
      // Motia takes it when it reads the config, long before a step may miss its cache.
      if (isMotiaCli(process.argv[1] ?? '')) registration.adapterUsed()
      return state
    },
    plugin,
    redisService: createRedisService(cache),
    on: events.on,
    health: () => opened?.health() ?? unopened(settings),
    drill: async (instance, options) => {
      const ms = drillTime(options)
      ;(await open()).drill(instance, ms)
      await pause(ms, ending.signal)
    },
    close: async () => {
      closed = true
      ending.abort()
      plugin.close()
      // Where nothing was opened there is nothing to close, and nothing is opened any more. Who asked heard why not.
      const tiers = await opening?.catch(() => undefined)
      await tiers?.close()
    },
  }
}

type HealthOf = Parameters<KeptState['behind']>[0]

/** Ends early, and well, when the tiers are closed. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** The longest drill: what an hour can't show, a day won't. */
const MAX_DRILL = 3_600

const drillTime = ({ seconds, force }: Partial<Parameters<RedisTiers['drill']>[1]> = {}): number => {
  if (isProduction(process.env, process.argv) && force !== true) {
    throw new Error('drill: refused in production, because users would notice if something fails; write force: true')
  }
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= MAX_DRILL)) {
    throw new RangeError(`drill: seconds must be more than 0 and at most ${MAX_DRILL}, e.g. { seconds: 30 }`)
  }
  return seconds * 1_000
}

const unopened = (settings: Settings): HealthReport => ({
  status: 'ok',
  age: 0,
  instances: settings.instances.map(({ name }) => ({
    name,
    state: 'probing',
    since: Date.now(),
    reason: 'not connected yet: the first call, or the plugin, connects',
    readable: false,
    writable: false,
    categories: [],
    standsInFor: [],
    tracking: 'off',
    journal: { entries: 0, bytes: 0 },
  })),
})
