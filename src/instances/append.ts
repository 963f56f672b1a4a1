import type { Caller } from './caller.js'
import type { Connection } from './connection.js'
import type { Instance } from './instance.js'

/** Records of a stream: a few seconds of many changes, in less than a MB or two. */
const MOST = 10_000

export const createAppend = (caller: Caller, data: Connection): Pick<Instance, 'append'> => ({
  append: async (stream, fields) => {
    await caller.call(data, 'write', undefined, (redis) => redis.xadd(stream, 'MAXLEN', '~', MOST, '*', ...fields))
  },
})
