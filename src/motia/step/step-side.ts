import type { Cache, RedisService } from '../../../types/index.js'
import { createCacheClient } from '../../cache/client.js'
import type { CacheEngine } from '../../cache/engine.js'
import { createRedisService } from '../../cache/redis-service.js'
import { uncheckedEngine } from '../../cache/unchecked.js'
import { cacheError } from '../../errors.js'
import { consoleReport } from '../../report.js'
import { type Channel, createChannel } from './channel.js'
import { createChannelEngine } from './channel-engine.js'
import { createOutstanding, type Outstanding, trackCalls } from './outstanding.js'
import { shareStepSide } from './shared.js'
import { whyUnreachable } from './step-process.js'
import { sayUnawaitedFailures } from './unawaited.js'

/** How long calls that the handler didn't await may hold up its result. */
const DRAIN_LIMIT = 5_000

export interface StepSide {
  readonly cache: Cache
  /** The same for whole responses, which no category's schema is about. */
  readonly responses: Cache
  readonly redisService: RedisService
  readonly outstanding: Outstanding
  /** Resolves when the calls that were started have ended, or took too long. Undefined: none are under way. */
  drained(): Promise<void> | undefined
}

export const stepSide = (): StepSide => shareStepSide(createStepSide)

const createStepSide = (): StepSide => {
  const outstanding = createOutstanding()
  const background = (call: Promise<unknown>): void => void outstanding.track(call)
  const engine = createChannelEngine(lazyChannel(), background)
  const clientOf = (of: CacheEngine): Cache => trackCalls(createCacheClient(of), outstanding)
  const cache = clientOf(engine)
  const drained = async (): Promise<void> => {
    const left = await outstanding.drain(DRAIN_LIMIT)
    if (left > 0)
      consoleReport.warn(`${left} cache calls of this step had not ended ${DRAIN_LIMIT} ms after its handler`)
  }
  return {
    cache,
    responses: clientOf(uncheckedEngine(engine)),
    redisService: createRedisService(cache),
    outstanding,
    drained: () => (outstanding.count() === 0 ? undefined : drained()),
  }
}

/** Nothing is touched before the first call; where there is no server to ask, each call says so. */
const lazyChannel = (): Channel => {
  let channel: Channel | undefined
  return {
    call: (op, args, place) => {
      if (channel !== undefined) return channel.call(op, args, place)
      const problem = whyUnreachable()
      channel = problem === undefined ? createChannel(port) : deadChannel(problem)
      const called = channel.call(op, args, place)
      // Before a rejection can be reported, and not before the first call was sent.
      if (problem === undefined) sayUnawaitedFailures()
      return called
    },
  }
}

const port = process as unknown as Parameters<typeof createChannel>[0]

const deadChannel = (problem: string): Channel => ({
  call: async (_op, _args, { category, operation }) => {
    throw cacheError('CACHE_UNAVAILABLE', problem, { category: category ?? 'cache', operation })
  },
})
