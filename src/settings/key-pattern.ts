import { didYouMean } from './did-you-mean.js'
import { Problem } from './problem.js'

export const defaultPattern = '<namespace><category>:<key>'

/** Where everything of ours lives that is no cache entry. */
export const reservedPrefix = (namespace: string): string => `${namespace}~mr:`

/** The literal text before <key> in a category's Redis keys; '' for the pattern '<key>' alone. */
export const prefixOf = (pattern: string, namespace: string, category: string): string | Problem => {
  const found = problemOf(pattern)
  if (found !== undefined) return new Problem(found)
  const prefix = pattern
    .slice(0, -'<key>'.length)
    .replaceAll('<namespace>', () => namespace)
    .replaceAll('<category>', () => category)
  const reserved = reservedPrefix(namespace)
  if (prefix !== '' && overlap(prefix, reserved)) {
    return new Problem(
      `keys could begin with '${reserved}', where this package keeps its own; write more text before <key>`,
    )
  }
  return prefix
}

const placeholders = ['namespace', 'category', 'key']

const problemOf = (pattern: string): string | undefined => {
  if (pattern.length > 256 || /[\p{Cc}\p{Cs}]/u.test(pattern)) {
    return 'write at most 256 printable characters'
  }
  for (const [, word = ''] of pattern.matchAll(/<([^<>]*)>/g)) {
    if (!placeholders.includes(word)) {
      return `a pattern knows <namespace>, <category> and <key>${didYouMean(word, placeholders)}`
    }
  }
  if (pattern.indexOf('<key>') !== pattern.length - '<key>'.length || !pattern.endsWith('<key>')) {
    return `<key> must stand once and last, as in '${defaultPattern}'`
  }
  return undefined
}

/** True where a key could belong to both. */
export const overlap = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)

interface Keyed {
  readonly name: string
  readonly instance: string
  readonly keyPrefix: string
}

/** Categories whose keys could be taken for another's: each with the other, and what to do. */
export const sharedKeys = (categories: readonly Keyed[]): { name: string; problem: string }[] => {
  const sorted = categories.filter((c) => c.keyPrefix !== '').sort((a, b) => (a.keyPrefix < b.keyPrefix ? -1 : 1))
  // If any later text begins with this one, the next does.
  const nested = sorted.flatMap((category, index) => {
    const next = sorted[index + 1]
    return next?.keyPrefix.startsWith(category.keyPrefix)
      ? [
          {
            name: category.name,
            problem: `its keys begin like those of ${next.name}; give one of them other text before <key>`,
          },
        ]
      : []
  })
  return [...nested, ...bareBesideOthers(categories)]
}

const bareBesideOthers = (categories: readonly Keyed[]): { name: string; problem: string }[] =>
  categories
    .filter((bare) => bare.keyPrefix === '')
    .flatMap((bare) => {
      const others = categories.filter((c) => c.instance === bare.instance && c !== bare).map((c) => c.name)
      if (others.length === 0) return []
      const problem = `a key without text before <key> needs an instance of its own, and ${bare.instance} is home of ${others.join(', ')} too`
      return [{ name: bare.name, problem }]
    })
