import type { Instance, ScriptCall } from '../../instances/instance.js'
import type { Layout } from '../../instances/layout.js'
import { script } from '../../instances/scripts.js'
import { StoreError } from '../../instances/store.js'
import { isCategoryName } from '../../settings/names.js'
import type { CategorySettings } from '../../settings/settings.js'

/*
 * Categories that are listed nowhere are known to those who use them. Whoever brings an instance back may not have met
 * them, so their names lie at their home, from before the first entry is written: an older snapshot has either both or
 * none.
 */

/** KEYS: unlisted. ARGV: category. */
const noteScript = script("return redis.call('ZADD', KEYS[1], 0, ARGV[1])")

/** KEYS: unlisted. What somebody else put there names none. */
const listScript = script(`
local names = redis.pcall('ZRANGEBYLEX', KEYS[1], '-', '+')
if names.err and string.find(names.err, 'WRONGTYPE', 1, true) then return {} end
return names`)

/** The names noted at an instance. */
export const namesNotedAt = async (instance: Instance, layout: Layout): Promise<readonly string[]> => {
  const call: ScriptCall = { script: listScript, keys: [layout.unlisted], args: [] }
  const reply = await instance.script(call, 'read', { timeout: PATIENCE })
  return Array.isArray(reply) ? reply.filter(isCategoryName) : []
}

/** ms; no call waits for it. */
const PATIENCE = 1_000

export interface UnlistedNames {
  /** What a change waits for before it may put something there. Undefined: nothing, as soon as the name is noted. */
  hold(category: CategorySettings): Promise<void> | undefined
  /** It was away, and what was noted there may be lost. */
  forget(instance: string): void
}

export const createUnlistedNames = (instances: ReadonlyMap<string, Instance>, layout: Layout): UnlistedNames => {
  const noted = new Map<string, Set<string>>()
  const noting = new Map<string, Promise<void>>()

  const note = async (instance: Instance, name: string): Promise<void> => {
    const known = noted.get(instance.name) ?? new Set()
    noted.set(instance.name, known)
    try {
      await instance.script({ script: noteScript, keys: [layout.unlisted], args: [name] }, 'change')
      known.add(name)
    } catch (error) {
      // The change itself meets what is wrong there; the next one tries again.
      if (!(error instanceof StoreError)) throw error
    }
  }

  return {
    hold: ({ instance: home, name }) => {
      const instance = instances.get(home)
      if (instance === undefined || noted.get(home)?.has(name) === true || !instance.writable()) return undefined
      const lane = `${home} ${name}`
      const running = noting.get(lane) ?? note(instance, name).finally(() => noting.delete(lane))
      noting.set(lane, running)
      return running
    },
    // What is on its way is forgotten with it.
    forget: (instance) => {
      noted.delete(instance)
    },
  }
}
