import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Cache } from '../../types/index.ts'
import { cacheCases } from './cache-cases.ts'

/** The contract of a Cache, over whatever `cache` answers. */
export const cacheSuite = (name: string, cache: () => Cache): void => {
  describe(`Cache: ${name}`, () => {
    it.each(cacheCases.map((one) => [one.name, one] as const))('%s', async (_, { run, expected }) => {
      expect(await run(cache(), randomUUID().slice(0, 8))).toEqual(expected)
    })
  })
}
