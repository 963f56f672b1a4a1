import { type EmbeddedDatabase, within } from './database.js'

const EVERY = 15_000
/** Records looked at, or items removed, in one go: a sweep never holds up a call for long. */
const BOUND = 2_000

/** Removes what has ended, a bounded piece at a time. Every process of the machine does; that is harmless. */
export const startSweep = (
  database: EmbeddedDatabase,
  ended: (error?: unknown) => void,
  every = EVERY,
): (() => void) => {
  let entriesFrom: Buffer | undefined
  let groupsFrom: Buffer | undefined
  let running = false

  const sweep = async (): Promise<void> => {
    const { tables, transact } = database
    await transact(() => {
      const now = Date.now()
      entriesFrom = walk(tables.entries, entriesFrom, ({ key, value }) => {
        if (value[0] <= now) tables.entries.removeSync(key)
      })
      groupsFrom = walk(tables.groups, groupsFrom, ({ key, value }) => {
        if (value[0] === 0 || value[0] > now) return
        tables.dropped.putSync(Buffer.from(value[2]), true)
        tables.groups.removeSync(key)
      })
      let left = BOUND
      for (const id of [...tables.dropped.getKeys({ limit: 100 })]) {
        const keys = [...tables.items.getKeys({ ...within(id), limit: left })]
        for (const key of keys) tables.items.removeSync(key)
        left -= keys.length
        if (left === 0) break
        tables.dropped.removeSync(id)
      }
    }, undefined)
  }

  const timer = setInterval(() => {
    if (running) return
    running = true
    sweep()
      .then(() => ended(), ended)
      .finally(() => {
        running = false
      })
  }, every).unref()
  return () => clearInterval(timer)
}

/** Visits at most BOUND records after `from`; answers where to go on, or undefined to start over. */
const walk = <V>(
  table: { getRange(options: object): Iterable<{ key: Buffer; value: V }> },
  from: Buffer | undefined,
  visit: (record: { key: Buffer; value: V }) => void,
): Buffer | undefined => {
  const records = [
    ...table.getRange({ ...(from === undefined ? {} : { start: from, exclusiveStart: true }), limit: BOUND }),
  ]
  for (const record of records) visit(record)
  return records.length < BOUND ? undefined : records.at(-1)?.key
}
