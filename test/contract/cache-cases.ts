import type { CacheCase } from './cache-case.ts'
import { argumentCases } from './cache-cases-arguments.ts'
import { computeCases } from './cache-cases-computing.ts'
import { counterCases } from './cache-cases-counters.ts'
import { entryCases } from './cache-cases-entries.ts'
import { graceCases } from './cache-cases-grace.ts'
import { listingCases, manyCases } from './cache-cases-many.ts'
import { tagCases } from './cache-cases-tags.ts'
import { valueCases } from './cache-cases-values.ts'

/**
 * What the cache answers, case by case: the same in the server process and inside a step. Nothing outside these files
 * is imported but types, so that they can be bundled into a step. The categories used are `cache`, `ml` and
 * `analytics`, with their default policies and no schema; the `id` of a run leads all its keys.
 */
export const cacheCases: readonly CacheCase[] = [
  ...entryCases,
  ...counterCases,
  ...manyCases,
  ...listingCases,
  ...computeCases,
  ...graceCases,
  ...tagCases,
  ...argumentCases,
  ...valueCases,
]
