import { didYouMean, nearest } from './did-you-mean.js'

/** The variables that an instance is configured by. */
export const urlVariable = (instance: string): string => `REDIS_${instance.toUpperCase()}_URL`
export const typesVariable = (instance: string): string => `REDIS_${instance.toUpperCase()}_TYPES`

const categoryShape = /^[a-z][a-z0-9_-]{0,31}$/

export const isCategoryName = (name: unknown): name is string => typeof name === 'string' && categoryShape.test(name)

/** What is wrong with a category's name, for names that don't have the shape. */
export const categoryNameProblem = (name: unknown, known: Iterable<string>): string => {
  const rule = 'a category name is a lower-case letter, then up to 31 of a-z 0-9 _ -'
  if (typeof name !== 'string')
    return `${name === null ? 'null' : `a value of type ${typeof name}`} is no category name: ${rule}`
  if (!/^[\w.-]{1,40}$/.test(name)) return `this is no category name: ${rule}`
  return `'${name}' is no category name: ${rule}${didYouMean(name, known)}`
}

/** "unknown option 'tll' (did you mean 'ttl'?); known: …" */
export const unknownOption = (name: string, known: readonly string[]): string => {
  const shown = /^[\w$.-]{1,40}$/.test(name) ? `unknown option '${name}'` : 'unknown option'
  return nearest(name, known) === undefined
    ? `${shown}; known: ${known.join(', ')}`
    : `${shown}${didYouMean(name, known)}`
}
