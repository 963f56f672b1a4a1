import type { Loader } from '../../types/index.js'
import { findInstance, unknownInstance } from './categories.js'
import { type Check, type Checks, durationOrOff, type Faults, isObject, oneOf, readFields, yesOrNo } from './checks.js'
import type { Environment } from './environment.js'
import { type Inference, inferCategory } from './infer-category.js'
import { Problem } from './problem.js'
import type { InstanceSettings, Settings } from './settings.js'

/** What redisTiers() is given, field by field; `categories` and `state` are read once the instances are known. */
interface Options {
  readonly env: Record<string, string | undefined>
  readonly namespace: string
  readonly categories: unknown
  readonly loaders: Record<string, Loader<unknown>>
  readonly inferCategory: Inference
  readonly legacyKeys: boolean
  readonly state: unknown
}

const variables: Check<Options['env']> = (value) => {
  if (!isObject(value)) return new Problem('write an object like process.env')
  const wrong = Object.entries(value).find(([, text]) => text !== undefined && typeof text !== 'string')
  return wrong === undefined ? (value as Options['env']) : new Problem('every value must be a text or undefined')
}

export const namespace: Check<string> = (value) => {
  if (value === '' || (typeof value === 'string' && /^[A-Za-z0-9._:/-]{0,62}[:/.]$/.test(value))) return value
  const nearly = typeof value === 'string' && /^[A-Za-z0-9._-]{1,32}$/.test(value)
  return new Problem(
    nearly
      ? `it must end in ':', '/' or '.'; write '${value}:'`
      : "write up to 63 of A-Z a-z 0-9 . _ : / -, the last one ':', '/' or '.', as in 'shop:'",
  )
}

const loaders: Check<Options['loaders']> = (value) => {
  if (!isObject(value)) return new Problem('write an object: { menu: async (key) => … }')
  const set = Object.entries(value).filter(([, loader]) => loader !== undefined)
  const wrong = set.filter(([, loader]) => typeof loader !== 'function').length
  if (wrong > 0) return new Problem('every loader must be a function: { menu: async (key) => … }')
  return Object.fromEntries(set) as Options['loaders']
}

const asItIs: Check<unknown> = (value) => value

const optionChecks: Checks<Options> = {
  env: variables,
  namespace,
  categories: asItIs,
  loaders,
  inferCategory,
  legacyKeys: yesOrNo,
  state: asItIs,
}

export const readOptions = (options: unknown, faults: Faults): Partial<Options> =>
  readFields(options, optionChecks, '', faults, 'options')

const instanceName: Check<string> = (value) =>
  typeof value === 'string' ? value : new Problem("write an instance's name, as in 'primary'")

const stateChecks: Checks<Settings['state']> = {
  instance: instanceName,
  mirror: yesOrNo,
  ttl: durationOrOff,
  onUnknown: oneOf('error', 'null'),
}

const week = 7 * 86_400_000

export const readState = (
  input: unknown,
  env: Environment,
  instances: readonly InstanceSettings[],
  faults: Faults,
): Settings['state'] => {
  const given = readFields(input, stateChecks, 'state', faults)
  const fromEnv = given.instance === undefined ? env.text('MOTIA_REDIS_STATE_INSTANCE') : undefined
  const named = given.instance ?? fromEnv
  const wrong = named === undefined ? undefined : unknownInstance(named, instances)
  if (wrong !== undefined) faults.add(fromEnv === undefined ? 'state.instance' : 'MOTIA_REDIS_STATE_INSTANCE', wrong)
  return Object.freeze({
    instance: findInstance(named ?? 'primary', instances) ?? instances[0]?.name ?? '',
    mirror: given.mirror ?? true,
    ttl: given.ttl ?? week,
    onUnknown: given.onUnknown ?? 'error',
  })
}
