import type { Duration, FactoryContext } from '../../types/index.js'
import { checkOption, type Given } from './arguments.js'
import type { Produced } from './compute.js'
import type { EncodedWriteOptions } from './engine.js'

export type AnyFactory = (context: FactoryContext) => unknown

/** One run of a caller's factory: its context, and what it decided by it. */
export const factoryRun =
  (factory: AnyFactory, key: string, { category, stale }: { category: string; stale: boolean }, given: Given) =>
  async (signal: AbortSignal): Promise<Produced> => {
    const { ttl, grace, tags } = given
    const options: { -readonly [K in keyof EncodedWriteOptions]: unknown } = { ttl, grace, tags }
    let skip = false
    const value = await factory({
      key,
      category,
      stale,
      signal,
      setTtl(next: Duration) {
        checkOption('getOrSet', category, 'ttl', next)
        options.ttl = next
      },
      setTags(next: readonly string[]) {
        checkOption('getOrSet', category, 'tags', next)
        options.tags = next
      },
      skip(answer) {
        skip = true
        return answer
      },
    })
    return { value, skip, options }
  }
