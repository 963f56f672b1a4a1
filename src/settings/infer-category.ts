import { type Check, isObject } from './checks.js'
import { Problem } from './problem.js'

type InferCategory = (key: string) => string | undefined

/** What `inferCategory` was written as: a function, or prefixes with their categories. */
export interface Inference {
  readonly infer: InferCategory
  /** Categories that the prefixes lead to. */
  readonly targets: readonly string[]
}

export const inferCategory: Check<Inference> = (value) => {
  if (typeof value === 'function') return { infer: value as InferCategory, targets: [] }
  if (!isObject(value)) return shapeProblem
  const entries = Object.entries(value)
  const prefixes = entries.flatMap(([prefix, category]) => (typeof category === 'string' ? [{ prefix, category }] : []))
  return prefixes.length === entries.length
    ? { infer: byLongestPrefix(prefixes), targets: prefixes.map(({ category }) => category) }
    : shapeProblem
}

const shapeProblem: Problem = new Problem(
  "write key prefixes with their categories, as in { 'session:': 'auth' }, or a function from key to category",
)

const byLongestPrefix = (prefixes: readonly { prefix: string; category: string }[]): InferCategory => {
  const longestFirst = [...prefixes].sort((a, b) => b.prefix.length - a.prefix.length)
  return (key) => longestFirst.find(({ prefix }) => key.startsWith(prefix))?.category
}
