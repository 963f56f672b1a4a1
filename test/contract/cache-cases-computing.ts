import { type CacheCase, define, outcome, refusal, shown, told } from './cache-case.ts'

const undef = shown(undefined)
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const computeCases: readonly CacheCase[] = [
  define(
    'getOrSet: computes once, then hits; the context says for what',
    async (cache, id) => {
      const contexts: unknown[] = []
      const factory = (context: { key: string; category: string; stale: boolean; signal: AbortSignal }) => {
        contexts.push([context.key === id, context.category, context.stale, context.signal.aborted])
        return Promise.resolve({ n: contexts.length })
      }
      return [await cache.getOrSet(id, factory), await cache.getOrSet(id, factory), contexts]
    },
    [{ n: 1 }, { n: 1 }, [[true, 'cache', false, false]]],
  ),
  define(
    'getOrSet: undefined means absent and is not stored',
    async (cache, id) => [await outcome(() => cache.getOrSet(id, () => undefined)), await cache.has(id)],
    [undef, false],
  ),
  define(
    'getOrSet: skip answers and stores nothing',
    async (cache, id) => [
      await cache.getOrSet(id, (context) => context.skip({ a: 1 })),
      await cache.has(id),
      await cache.getOrSet(id, () => 'stored'),
      await cache.get(id),
    ],
    [{ a: 1 }, false, 'stored', 'stored'],
  ),
  define(
    'getOrSet: ttl by option, and by the factory',
    async (cache, id) => {
      const before = Date.now()
      await cache.getOrSet(`${id}:a`, () => 1, { ttl: '2m' })
      await cache.getOrSet(
        `${id}:b`,
        (context) => {
          context.setTtl('7m')
          return 1
        },
        { ttl: '2m' },
      )
      const minutes = async (key: string) =>
        Math.round((((await cache.getEntry(key))?.expiresAt ?? 0) - before) / 60_000)
      return [await minutes(`${id}:a`), await minutes(`${id}:b`)]
    },
    [2, 7],
  ),
  define(
    "getOrSet: a factory's error is rethrown as it is, and nothing is stored",
    async (cache, id) => {
      const fails = (error: unknown) => () => {
        throw error
      }
      class OwnError extends Error {
        override readonly name = 'OwnError'
      }
      const own = new OwnError('no such menu')
      let same = false
      try {
        await cache.getOrSet(id, fails(own))
      } catch (error) {
        same = error === own
      }
      return {
        same,
        own: await outcome(() => cache.getOrSet(id, fails(own))),
        rejected: await outcome(() => cache.getOrSet(id, () => Promise.reject(new TypeError('later')))),
        text: await outcome(() => cache.getOrSet(id, fails('just text'))),
        nothing: await outcome(() => cache.getOrSet(id, fails(undefined))),
        stored: await cache.has(id),
        after: await cache.getOrSet(id, () => 'well'),
      }
    },
    {
      same: true,
      own: { name: 'OwnError', message: 'no such menu' },
      rejected: { name: 'TypeError', message: 'later' },
      text: { thrown: 'just text' },
      nothing: { thrown: undef },
      stored: false,
      after: 'well',
    },
  ),
  define(
    'getOrSet: fifty callers, one computation, a copy for each',
    async (cache, id) => {
      let runs = 0
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          cache.getOrSet(id, async () => {
            runs++
            await rest(30)
            return { list: [new Date(1)] }
          }),
        ),
      )
      for (const answer of answers) answer.list.push(new Date(2))
      return [
        runs,
        answers.every(({ list }) => list.length === 2 && list[0]?.getTime() === 1),
        shown(await cache.get(id)),
      ]
    },
    [1, true, shown({ list: [new Date(1)] })],
  ),
  define(
    'getOrSet: fifty callers of a failing factory, one call, fifty rejections',
    async (cache, id) => {
      let runs = 0
      const answers = await Promise.allSettled(
        Array.from({ length: 50 }, () =>
          cache.getOrSet(id, async () => {
            runs++
            await rest(30)
            throw new RangeError(`run ${runs}`)
          }),
        ),
      )
      const failed = answers.flatMap((answer) => (answer.status === 'rejected' ? [told(answer.reason)] : []))
      return [runs, failed.length, [...new Set(failed.map((one) => JSON.stringify(one)))]]
    },
    [1, 50, [JSON.stringify({ name: 'RangeError', message: 'run 1' })]],
  ),
  define(
    'getOrSet: hardTimeout ends the wait and aborts the signal; the late value is not stored',
    async (cache, id) => {
      let aborted: unknown
      let finish: (value: string) => void = () => undefined
      const answer = await outcome(() =>
        cache.getOrSet(
          id,
          ({ signal }) => {
            signal.addEventListener('abort', () => {
              aborted = told(signal.reason)
            })
            return new Promise<string>((resolve) => {
              finish = resolve
            })
          },
          { hardTimeout: 40 },
        ),
      )
      finish('late')
      await rest(20)
      return { answer, aborted, stored: await cache.has(id), after: await cache.getOrSet(id, () => 'well') }
    },
    {
      answer: refusal('CACHE_TIMEOUT', 'getOrSet'),
      aborted: refusal('CACHE_TIMEOUT', 'getOrSet'),
      stored: false,
      after: 'well',
    },
  ),
  define(
    'getOrSet: a function that asks for its own key ends with its time, which says why; getEntry shows it what is there',
    async (cache, id) => {
      let text = ''
      const inside = (): Promise<string> => cache.getOrSet(id, () => 'inner')
      const own = cache.getOrSet(id, inside, { hardTimeout: 40 })
      const answer = await outcome(() => own.finally(() => own.catch((error: Error) => (text = error.message))))
      const shownOld = await cache.getOrSet(id, async () => (await cache.getEntry(id)) ?? 'nothing')
      return { answer, says: text.includes("don't ask for its own key"), shownOld }
    },
    { answer: refusal('CACHE_TIMEOUT', 'getOrSet'), says: true, shownOld: 'nothing' },
  ),
  define(
    'getOrSet: fresh computes although a value is there',
    async (cache, id) => {
      await cache.set(id, 'old')
      return [
        await cache.getOrSet(id, () => 'new', { fresh: false }),
        await cache.getOrSet(id, () => 'new', { fresh: true }),
        await cache.get(id),
      ]
    },
    ['old', 'new', 'new'],
  ),
  define(
    'getOrSet: all its options at once',
    async (cache, id) =>
      cache.getOrSet(id, () => 1, { grace: '1h', softTimeout: '10ms', hardTimeout: '1m', ttl: '5m', tags: [] }),
    1,
  ),
  define(
    'a factory may use the cache',
    async (cache, id) =>
      cache.getOrSet(id, async () => {
        await cache.set(`${id}:inner`, 1)
        return ((await cache.get<number>(`${id}:inner`)) ?? 0) + (await cache.getOrSet(`${id}:deep`, () => 10))
      }),
    11,
  ),
]
