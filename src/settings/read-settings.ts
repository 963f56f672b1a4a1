import { resolve } from 'node:path'
import type { RedisTiersOptions } from '../../types/index.js'
import { readCategories } from './categories.js'
import { type Check, collectFaults, type Faults, oneOf } from './checks.js'
import { ConfigurationError } from './configuration-error.js'
import { didYouMean } from './did-you-mean.js'
import { deadlineText, environment, onOrOff, probeText } from './environment.js'
import { frozenMap } from './frozen-map.js'
import { instanceWarnings, readInstances } from './instances.js'
import { likelyMisspelt, likelySlips } from './likely-slips.js'
import { namespace as namespaceCheck, readOptions, readState } from './options.js'
import { Problem } from './problem.js'
import { redisSecret } from './secret.js'
import type { Settings } from './settings.js'

interface SettingsContext {
  /** Used unless the options bring an `env` of their own. */
  readonly env: Record<string, string | undefined>
  /** Absolute: where motia.config.ts lies. MOTIA_REDIS_DIR is relative to it. */
  readonly baseDir: string
  readonly production: boolean
}

/**
 * Options, then environment, then defaults, in one immutable result.
 * @throws ConfigurationError that names every fault.
 */
export const readSettings = <S extends object>(
  options: RedisTiersOptions<S> | undefined,
  context: SettingsContext,
): Settings => {
  const faults = collectFaults()
  const given = readOptions(options, faults)
  const env = environment(given.env ?? context.env)
  const namespace = given.namespace ?? env.read('MOTIA_REDIS_NAMESPACE', namespaceCheck, faults) ?? ''
  const instances = readInstances(env, context.production, faults)
  const strategy = env.read('REDIS_LOAD_BALANCE_STRATEGY', oneOf('smart', 'category', 'primary'), faults) ?? 'smart'
  const { categories, warnings } = readCategories(given.categories, { namespace, instances, strategy }, faults)
  const names = new Set(categories.map((category) => category.name))
  noteUnknown('loaders', Object.keys(given.loaders ?? {}), names, faults)
  noteUnknown('inferCategory', given.inferCategory?.targets ?? [], names, faults)
  const dir = resolve(context.baseDir, env.read('MOTIA_REDIS_DIR', dirCheck, faults) ?? '.motia/redis')
  const token = env.text('MOTIA_REDIS_TOKEN')
  const slips = likelySlips(env)
  const settings: Settings = {
    namespace,
    instances: Object.freeze(instances),
    strategy,
    categories: frozenMap(categories.map((category) => [category.name, category])),
    loaders: frozenMap(Object.entries(given.loaders ?? {})),
    inferCategory: given.inferCategory?.infer ?? (() => undefined),
    legacyKeys: given.legacyKeys ?? false,
    state: readState(given.state, env, instances, faults),
    dir,
    token: token === undefined ? undefined : redisSecret(token),
    publicMetrics: env.read('MOTIA_REDIS_METRICS', oneOf('locked', 'public'), faults) === 'public',
    panel: env.read('MOTIA_REDIS_PANEL', oneOf('on', 'off', 'read-only'), faults) ?? 'on',
    inject: env.read('MOTIA_REDIS_INJECT', onOrOff, faults) ?? true,
    deadlines: Object.freeze({
      read: env.read('MOTIA_REDIS_DEADLINE_READ', deadlineText, faults),
      write: env.read('MOTIA_REDIS_DEADLINE_WRITE', deadlineText, faults),
    }),
    probeEvery: env.read('MOTIA_REDIS_PROBE_MS', probeText, faults),
    warnings: Object.freeze([
      ...instanceWarnings(instances, dir, context.production),
      ...warnings,
      ...slips,
      ...likelyMisspelt(env, given.categories),
    ]),
  }
  // A slip may be why something is missing.
  if (faults.lines.length > 0) throw new ConfigurationError([...faults.lines, ...slips])
  return Object.freeze(settings)
}

const dirCheck: Check<string> = (value) =>
  typeof value === 'string' && !/\p{Cc}/u.test(value) ? value : new Problem('write a path, as in .motia/redis')

/** A loader, or an inferred category, that nothing could ever reach is a slip of the pen. */
const noteUnknown = (where: string, names: readonly string[], known: ReadonlySet<string>, faults: Faults): void => {
  for (const name of new Set(names)) {
    if (known.has(name)) continue
    const shown = /^[\w-]{1,40}$/.test(name) ? `'${name}'` : 'this'
    faults.add(where, `${shown} is no category${didYouMean(name, known)}; declare it in categories`)
  }
}
