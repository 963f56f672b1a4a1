import { contradictions, type Policy, readPolicy, ttlDoubt } from './category-policy.js'
import { type Faults, isObject } from './checks.js'
import { defaultHome, defaultsOf } from './defaults.js'
import { didYouMean } from './did-you-mean.js'
import { defaultPattern, prefixOf, sharedKeys } from './key-pattern.js'
import { categoryNameProblem, isCategoryName } from './names.js'
import { Problem } from './problem.js'
import type { CategorySettings, InstanceSettings, Settings, Strategy } from './settings.js'
import { stableHome } from './stable-home.js'

interface Around {
  readonly namespace: string
  readonly instances: readonly InstanceSettings[]
  readonly strategy: Strategy
}

/** Listed categories in the order of the lists, then declared ones, then `cache`, which is always there. */
export const readCategories = (
  input: unknown,
  around: Around,
  faults: Faults,
): { categories: CategorySettings[]; warnings: string[] } => {
  const policies = readPolicies(input, around, faults)
  const listed = around.instances.flatMap((instance) => instance.types)
  const names = [...new Set([...listed, ...policies.keys(), 'cache'])]
  const homeOf = homes(around, policies)
  const categories = names.map((name) => build(name, policies.get(name) ?? {}, homeOf(name), around.namespace, faults))
  for (const { name, problem } of sharedKeys(categories)) faults.add(`categories.${name}.key`, problem)
  return { categories, warnings: [...ttlDoubts(input), ...unreadable(policies), ...idleInstances(policies, around)] }
}

const readPolicies = (input: unknown, around: Around, faults: Faults): Map<string, Partial<Policy>> => {
  const policies = new Map<string, Partial<Policy>>()
  if (input !== undefined && !isObject(input)) faults.add('categories', 'write an object: { menu: { ttl: "6h" } }')
  if (!isObject(input)) return policies
  const listed = around.instances.flatMap((instance) => instance.types)
  for (const [name, fields] of Object.entries(input)) {
    if (!isCategoryName(name)) {
      faults.add('categories', categoryNameProblem(name, listed))
      continue
    }
    const policy = readPolicy(fields, `categories.${name}`, faults)
    const wrong = policy.instance === undefined ? undefined : unknownInstance(policy.instance, around.instances)
    if (wrong !== undefined) faults.add(`categories.${name}.instance`, wrong)
    policies.set(name, policy)
  }
  return policies
}

/**
 * The configured instance of that name. With one instance only, `primary` and `secondary` both mean that one, so
 * that a configuration for two also runs on one.
 */
export const findInstance = (name: string, instances: readonly InstanceSettings[]): string | undefined => {
  if (instances.some((instance) => instance.name === name)) return name
  return instances.length === 1 && (name === 'primary' || name === 'secondary') ? instances[0]?.name : undefined
}

export const unknownInstance = (name: string, instances: readonly InstanceSettings[]): string | undefined => {
  if (findInstance(name, instances) !== undefined) return undefined
  const names = instances.map((instance) => instance.name)
  const shown = /^[\w-]{1,32}$/.test(name) ? `instance '${name}'` : 'this instance'
  return `${shown} is not configured${didYouMean(name, names)}; there is ${names.join(', ')}`
}

const homes = (around: Around, policies: ReadonlyMap<string, Partial<Policy>>): ((name: string) => string) => {
  const { instances, strategy } = around
  const first = instances[0]?.name ?? ''
  if (strategy === 'primary') return () => first
  const chosen = (name: string): string | undefined => {
    const written = policies.get(name)?.instance
    const home = written === undefined ? undefined : findInstance(written, instances)
    return home ?? instances.find((instance) => instance.types.includes(name))?.name
  }
  const bare = [...policies].flatMap(([name, { key }]) => (key === '<key>' ? [chosen(name)] : []))
  const open = instances.map((instance) => instance.name).filter((name) => !bare.includes(name))
  return (name) => {
    const usual = defaultHome(name)
    const home = chosen(name) ?? open.find((instance) => instance === usual)
    return home ?? stableHome(name, open.length === 0 ? [first] : open)
  }
}

const build = (
  name: string,
  policy: Partial<Policy>,
  instance: string,
  namespace: string,
  faults: Faults,
): CategorySettings => {
  const { key = defaultPattern, ...fields } = policy
  const prefix = prefixOf(key, namespace, name)
  const keyPrefix = Problem.is(prefix) ? `${namespace}${name}:` : prefix
  if (Problem.is(prefix)) faults.add(`categories.${name}.key`, prefix.problem)
  const category = { ...defaultsOf(name), ...fields, name, instance, keyPrefix, enumerable: keyPrefix !== '' }
  for (const problem of contradictions(category, fields)) faults.add(`categories.${name}`, problem)
  return Object.freeze(category)
}

/** A category that is neither listed nor declared: what `cache` has by default. */
export const unlistedCategory = (settings: Settings, name: string, instance: string): CategorySettings =>
  Object.freeze({
    ...defaultsOf('cache'),
    name,
    instance,
    keyPrefix: `${settings.namespace}${name}:`,
    enumerable: true,
  })

/** What older code left on an instance under keys of its own, which `legacyKeys` reads. It has no name. */
export const rawCategory = (instance: string): CategorySettings =>
  Object.freeze({ ...defaultsOf('cache'), name: '', instance, keyPrefix: '', enumerable: false, onOutage: 'drop' })

const ttlDoubts = (input: unknown): string[] =>
  isObject(input)
    ? Object.entries(input).flatMap(([name, policy]) => (isObject(policy) ? ttlDoubt(name, policy.ttl) : []))
    : []

/** A pattern of its own is there to share entries with a backend, and compressed ones can't be shared. */
const unreadable = (policies: ReadonlyMap<string, Partial<Policy>>): string[] =>
  [...policies].flatMap(([name, { key = defaultPattern, compressAbove = false }]) =>
    key === defaultPattern || compressAbove === false
      ? []
      : [
          `categories.${name}: other readers of its keys find nothing where a value is compressed; leave compressAbove out if a backend shall read them`,
        ],
  )

const idleInstances = (policies: ReadonlyMap<string, Partial<Policy>>, { strategy, instances }: Around): string[] => {
  const first = instances[0]?.name
  const moved = [...policies]
    .filter(([, { instance }]) => instance !== undefined && instance !== first)
    .map(([name]) => name)
  return strategy === 'primary' && moved.length > 0
    ? [`strategy primary: everything is on ${first}; the instance named for ${moved.join(', ')} has no effect`]
    : []
}
