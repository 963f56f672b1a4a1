import type { Lines } from './entries.js'
import type { Instance } from './instance.js'
import type { Layout } from './layout.js'
import { scopeField } from './lease-rules.js'
import {
  breakCall,
  fillScript,
  grantAnswer,
  grantArgs,
  leaseScripts,
  momentSide,
  releaseArgs,
} from './lease-scripts.js'
import { lifeUntil } from './life.js'
import { type LeaseStore, StoreError } from './store.js'
import { indexesOf, momentFields } from './tag-scripts.js'

const scripts = leaseScripts(momentSide)
const filling = fillScript()

/** The leases of one instance. */
export const createLeases = (
  script: Instance['script'],
  { largeKeys }: Pick<Lines, 'largeKeys'>,
  layout: Layout,
): LeaseStore => {
  const keysOf = (key: string): string[] => [key, layout.lease(key), layout.invalidated]
  return {
    grant: async ({ key, token }, request, options) => {
      const args = grantArgs(token, request)
      const grant = grantAnswer(await script({ script: scripts.grant, keys: keysOf(key), args }, 'write', options))
      if ('found' in grant) largeKeys.seen(key, grant.found)
      return grant
    },
    renew: async ({ key, token, scope }, ms, options) => {
      const args = [token, Math.ceil(ms), scopeField(scope)]
      return (await script({ script: scripts.renew, keys: keysOf(key), args }, 'change', options)) === 1
    },
    fill: async ({ key, token, scope }, { text, endsAt, tags }, options) => {
      const keys = keysOf(key)
      const args = [token, text, lifeUntil(endsAt), tags?.category ?? '', scopeField(scope)]
      if (tags !== undefined) {
        keys.push(layout.tagged, ...indexesOf(layout, tags))
        args.push(...momentFields(tags))
      }
      const filled = (await script({ script: filling, keys, args }, 'write', options)) === 1
      if (filled) largeKeys.seen(key, text)
      return filled
    },
    release: async ({ key, token }, end, options) => {
      await script({ script: scripts.release, keys: keysOf(key), args: releaseArgs(token, end) }, 'change', options)
    },
  }
}

/** Before the keys of a scope are removed. A user who may run no script has no leases either, but can still clear. */
export const breakScope =
  (script: Instance['script'], layout: Layout) =>
  async (scope: string, timeout: number | undefined): Promise<void> => {
    try {
      await script(breakCall(layout, scope), 'change', timeout === undefined ? undefined : { timeout })
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'configuration' || error.instanceFault === true) throw error
    }
  }
