import type { Redis } from 'ioredis'
import type { Reads } from './batch-reader.js'
import { sendCommand } from './command.js'
import type { Layout } from './layout.js'
import { readingScript, runScript } from './scripts.js'

export interface ItemAsk {
  readonly group: string
  readonly field: string
}

/** KEYS: the group of each. ARGV: the field of each. Their texts, false for what isn't there. */
const itemsScript = readingScript(`
local texts = {}
for i = 1, #KEYS do texts[i] = redis.call('HGET', KEYS[i], ARGV[i]) end
return texts`)

/** Items of one group by one command; of several by a script, since Redis has no command for that. */
export const itemReads = (layout: Layout, seen: Reads<ItemAsk>['seen']): Reads<ItemAsk> => ({
  one: (redis, { group, field }) => itemsOf(redis, 'hget', layout.group(group), [field]) as Promise<string | null>,
  many: (redis, asks) => {
    const fields = asks.map(({ field }) => field)
    const group = asks[0]?.group ?? ''
    const texts = asks.every((ask) => ask.group === group)
      ? itemsOf(redis, 'hmget', layout.group(group), fields)
      : runScript(
          redis,
          itemsScript,
          asks.map((ask) => layout.group(ask.group)),
          fields,
        )
    return texts as Promise<(string | null)[]>
  },
  add: (pipeline, { group, field }) => pipeline.hget(layout.group(group), field),
  seen,
})

const itemsOf = (redis: Redis, name: 'hget' | 'hmget', group: string, fields: readonly string[]): Promise<unknown> =>
  sendCommand(redis, name, [group, ...fields])
