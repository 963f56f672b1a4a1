import type { Faults } from './checks.js'
import { defaultTypes } from './defaults.js'
import type { Environment } from './environment.js'
import { onOrOff } from './environment.js'
import { categoryNameProblem, isCategoryName, typesVariable, urlVariable } from './names.js'
import { Problem } from './problem.js'
import { isLoopback, parseRedisUrl, type RedisUrl } from './redis-url.js'
import type { InstanceSettings } from './settings.js'

interface Listed {
  readonly name: string
  readonly urlName: string
  readonly typesName: string
  readonly url: RedisUrl | undefined
  /** A URL is given, be it a wrong one. */
  readonly configured: boolean
  readonly types: readonly string[]
  /** The list is the default one, because the variable is unset. */
  readonly assumed: boolean
}

/** Every instance of the environment, its categories with it. Never empty. */
export const readInstances = (env: Environment, production: boolean, faults: Faults): InstanceSettings[] => {
  const listed = namesIn(env).flatMap((name) => readOne(name, env, faults))
  const configured = listed.filter((instance) => instance.configured)
  noteTwiceListed(configured.length === 0 ? listed : withoutYielding(listed), faults)
  const embedded = env.read('MOTIA_REDIS_EMBEDDED', onOrOff, faults)
  if (configured.length === 0) {
    if (embedded === false || (production && embedded !== true)) {
      faults.add(
        'REDIS_PRIMARY_URL',
        'not set; set it to redis://user:password@host:6379, or MOTIA_REDIS_EMBEDDED=on if this single server may keep its data in files',
      )
    }
    return listed.filter((instance) => defaultTypes.has(instance.name)).map(asSettings)
  }
  noteSameServer(configured, faults)
  const adopted = withoutYielding(listed).flatMap((instance) => (instance.configured ? [] : instance.types))
  return configured.map((instance, index) =>
    asSettings(index === 0 ? { ...instance, types: [...new Set([...instance.types, ...adopted])] } : instance),
  )
}

const asSettings = ({ name, url, types }: Listed): InstanceSettings =>
  Object.freeze({ name, url, types: Object.freeze([...types]) })

/** primary, secondary, then those that have both variables, by name. */
const namesIn = (env: Environment): string[] => {
  const further = env.names.flatMap((variable) => {
    const name = /^REDIS_([A-Z][A-Z0-9_]*)_TYPES$/.exec(variable)?.[1]?.toLowerCase()
    return name === undefined || defaultTypes.has(name) ? [] : [name]
  })
  return [...defaultTypes.keys(), ...further.sort()]
}

/** Whether the environment has the address of any instance, be it a wrong one. */
export const namesAnInstance = (env: Environment): boolean =>
  namesIn(env).some((name) => env.text(urlVariable(name)) !== undefined)

/** The lists that are written out, as they are written. */
export const listedIn = (env: Environment): { readonly instance: string; readonly types: readonly string[] }[] =>
  namesIn(env).flatMap((instance) => {
    const list = env.text(typesVariable(instance))
    return list === undefined ? [] : [{ instance, types: splitTypes(list) }]
  })

const readOne = (name: string, env: Environment, faults: Faults): Listed[] => {
  const urlName = urlVariable(name)
  const typesName = typesVariable(name)
  const text = env.text(urlName)
  if (text === undefined && !defaultTypes.has(name)) {
    faults.add(typesName, `${urlName} is not set; set it, or remove ${typesName}`)
    return []
  }
  // Entries tell where they came from by these words, so no instance may be called so.
  if (name === 'l1' || name === 'embedded')
    faults.add(urlName, `an instance can't be called ${name}; choose another name`)
  const url = text === undefined ? undefined : parseRedisUrl(text)
  if (url !== undefined && Problem.is(url)) faults.add(urlName, url.problem)
  const list = env.text(typesName)
  return [
    {
      name,
      urlName,
      typesName,
      url: url !== undefined && Problem.is(url) ? undefined : url,
      configured: text !== undefined,
      types: list === undefined ? (defaultTypes.get(name) ?? []) : readTypes(list, typesName, faults),
      assumed: list === undefined,
    },
  ]
}

const splitTypes = (list: string): string[] =>
  [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== '')

const readTypes = (list: string, where: string, faults: Faults): string[] => {
  const names = splitTypes(list)
  if (names.length === 0) faults.add(where, 'lists no category; write names with commas between, as in user,menu')
  const known = [...defaultTypes.values()].flat()
  return names.filter((name) => {
    if (isCategoryName(name)) return true
    faults.add(where, categoryNameProblem(name, known))
    return false
  })
}

/** The default list of an instance that isn't there is only a suggestion: what others list is theirs. */
const withoutYielding = (listed: readonly Listed[]): Listed[] =>
  listed.map((instance) => {
    if (instance.configured || !instance.assumed) return instance
    const others = new Set(listed.filter((other) => other !== instance).flatMap((other) => other.types))
    return { ...instance, types: instance.types.filter((type) => !others.has(type)) }
  })

const noteTwiceListed = (listed: readonly Listed[], faults: Faults): void => {
  const first = new Map<string, Listed>()
  for (const instance of listed) {
    for (const type of instance.types) {
      const other = first.get(type)
      if (other === undefined) first.set(type, instance)
      else
        faults.add(
          `${sourceOf(other)} and ${sourceOf(instance)}`,
          `both list '${type}'; ${remedy(type, other, instance)}`,
        )
    }
  }
}

const sourceOf = (instance: Listed): string =>
  instance.assumed ? `${instance.typesName} (its default)` : instance.typesName

const remedy = (type: string, ...twice: readonly Listed[]): string => {
  const assumed = twice.find((instance) => instance.assumed)
  if (assumed === undefined) return 'a category has one home: remove it from one of them'
  return `set ${assumed.typesName}=${assumed.types.filter((other) => other !== type).join(',')}`
}

const noteSameServer = (configured: readonly Listed[], faults: Faults): void => {
  const first = new Map<string, string>()
  for (const { url, urlName } of configured) {
    if (url === undefined) continue
    const server = `${isLoopback(url.host) ? 'localhost' : url.host} ${url.port} ${url.db}`
    const other = first.get(server)
    if (other === undefined) first.set(server, urlName)
    else faults.add(`${other} and ${urlName}`, 'are the same server; give each its own, or set only one of them')
  }
}

/** Things about the instances that are allowed, but that somebody should know. */
export const instanceWarnings = (
  instances: readonly InstanceSettings[],
  dir: string,
  production: boolean,
): string[] => {
  const [first, ...more] = instances
  const alone = first?.url !== undefined && more.length === 0
  return [
    ...(first?.url === undefined
      ? [`NO REDIS: REDIS_PRIMARY_URL is not set, so state and cache are kept in files of this machine only (${dir})`]
      : []),
    ...(alone
      ? [`one Redis only: ${first.name} is home of every category and of state; files of this machine stand in for it`]
      : []),
    ...(production ? unencrypted(instances).map(({ text, doThis }) => `${text}; ${doThis}`) : []),
  ]
}

/** Connections on which everybody between here and there could read along. */
export const unencrypted = (instances: readonly InstanceSettings[]): { text: string; doThis: string }[] =>
  instances.flatMap(({ name, url }) =>
    url !== undefined && !url.tls && !isLoopback(url.host)
      ? [
          {
            text: `${name}: redis:// sends password and data unencrypted`,
            doThis: 'use rediss:// where the server offers TLS',
          },
        ]
      : [],
  )
