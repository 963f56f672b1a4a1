import type { Cache, RedisService } from '../../../types/index.js'
import { createCacheClient } from '../../cache/client.js'
import { createRedisService } from '../../cache/redis-service.js'
import { cacheError } from '../../errors.js'
import { type Channel, createChannel } from './channel.js'
import { createChannelEngine } from './channel-engine.js'
import { createOutstanding, type Outstanding, trackCalls } from './outstanding.js'
import { whyUnreachable } from './step-process.js'
import { sayUnawaitedFailures } from './unawaited.js'

export interface StepSide {
  readonly cache: Cache
  readonly redisService: RedisService
  readonly outstanding: Outstanding
}

const slot = Symbol.for('motia-redis.step-side')
type Slot = { [slot]?: StepSide }

/** One per process, also when the wrapper and the step's own import are two copies of this module. */
export const stepSide = (): StepSide => {
  const shared = globalThis as Slot
  shared[slot] ??= createStepSide()
  return shared[slot]
}

const createStepSide = (): StepSide => {
  const outstanding = createOutstanding()
  const background = (call: Promise<unknown>): void => void outstanding.track(call)
  const cache = trackCalls(createCacheClient(createChannelEngine(lazyChannel(), background)), outstanding)
  return { cache, redisService: createRedisService(cache), outstanding }
}

/** Nothing is touched before the first call; where there is no server to ask, each call says so. */
const lazyChannel = (): Channel => {
  let channel: Channel | undefined
  const open = (): Channel => {
    const problem = whyUnreachable()
    if (problem === undefined) {
      sayUnawaitedFailures()
      return createChannel(process as unknown as Parameters<typeof createChannel>[0])
    }
    return {
      call: async (_op, _args, { category, operation }) => {
        throw cacheError('CACHE_UNAVAILABLE', problem, { category: category ?? 'cache', operation })
      },
    }
  }
  return {
    call: (op, args, place) => {
      channel ??= open()
      return channel.call(op, args, place)
    },
  }
}
