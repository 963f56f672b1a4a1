import { isObject } from './checks.js'
import { defaultTypes } from './defaults.js'
import { nearest } from './did-you-mean.js'
import type { Environment } from './environment.js'
import { listedIn, namesAnInstance } from './instances.js'
import { typesVariable } from './names.js'

const ours = [
  'REDIS_PRIMARY_URL',
  'REDIS_SECONDARY_URL',
  'REDIS_PRIMARY_TYPES',
  'REDIS_SECONDARY_TYPES',
  'REDIS_LOAD_BALANCE_STRATEGY',
  'MOTIA_REDIS_STATE_INSTANCE',
  'MOTIA_REDIS_NAMESPACE',
  'MOTIA_REDIS_DIR',
  'MOTIA_REDIS_TOKEN',
  'MOTIA_REDIS_METRICS',
  'MOTIA_REDIS_PANEL',
  'MOTIA_REDIS_INJECT',
  'MOTIA_REDIS_DEADLINE_READ',
  'MOTIA_REDIS_DEADLINE_WRITE',
  'MOTIA_REDIS_PROBE_MS',
  'MOTIA_REDIS_EMBEDDED',
]
/** Motia's own variables, which begin like ours. */
export const motiasOwn: readonly string[] = ['HOST', 'PORT', 'USERNAME', 'PASSWORD', 'DB'].map(
  (word) => `MOTIA_REDIS_${word}`,
)

const isMotiasOwn = (name: string): boolean => motiasOwn.includes(name)

/** Variables that look like a slip for one of ours: nobody else would ever say that they do nothing. */
export const likelySlips = (env: Environment): string[] => {
  const wanted = needsAnInstance(env)
  return env.names
    .filter((name) => env.text(name) !== undefined && !ours.includes(name) && !isMotiasOwn(name))
    .flatMap((name) => {
      const prefixed = /^(MOTIA_)?REDIS_/.test(name)
      const meant = prefixed ? meantBy(name, env) : undefined
      if (meant !== undefined) return [`${name} has no meaning here; did you mean ${meant}?`]
      if (wanted && mayMeanAnInstance(name)) return [`${name} is not read; write REDIS_PRIMARY_URL`]
      return name.startsWith('MOTIA_REDIS_') ? [`${name} has no meaning here`] : []
    })
}

/** Of ours, one that isn't set and is near; a URL is meant to be a URL. */
const meantBy = (name: string, env: Environment): string | undefined => {
  const alike = name.endsWith('URL') ? ours.filter((own) => own.endsWith('URL')) : ours
  const meant = nearest(name, alike)
  return meant !== undefined && env.text(meant) === undefined ? meant : undefined
}

/** Beside an instance of ours, or where none is wanted, it is somebody else's. */
const needsAnInstance = (env: Environment): boolean =>
  !namesAnInstance(env) && env.text('MOTIA_REDIS_EMBEDDED') !== 'on'

/** Names under which people keep the address of a Redis. */
const mayMeanAnInstance = (name: string): boolean =>
  /^REDIS_(.+_)?(URL|URI|HOST)$|^REDIS_URL_|(^|_)REDIS_(.+_)?URL$/.test(name)

/**
 * Listed names one slip away from a category that is known or declared, and that no list has. They are legal, so they
 * are only pointed out; who means one declares it in `categories`.
 */
export const likelyMisspelt = (env: Environment, declared: unknown): string[] => {
  const lists = listedIn(env)
  const listed = new Set(lists.flatMap(({ types }) => types))
  const meant = new Set(isObject(declared) ? Object.keys(declared) : [])
  const known = new Set([...[...defaultTypes.values()].flat(), ...meant])
  const candidates = [...known].filter((name) => !listed.has(name))
  return lists.flatMap(({ instance, types }) =>
    types.flatMap((name) => {
      // 'ml' is one slip away from half of all names with two letters.
      const near = known.has(name)
        ? undefined
        : nearest(
            name,
            candidates.filter(({ length }) => length > 2),
            1,
          )
      return near === undefined
        ? []
        : [
            `${typesVariable(instance)}: '${name}' is taken for a category of your own; did you mean '${near}'? ` +
              `(If not, declare ${name} in categories.)`,
          ]
    }),
  )
}
