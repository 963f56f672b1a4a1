import type { Cache, Entry } from '../../types/index.ts'
import { type CacheCase, define, outcome, shown } from './cache-case.ts'

const undef = shown(undefined)
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
/** `ml` keeps what has ended for a day. */
const ml = { category: 'ml' } as const

/** A stale entry, without waiting for its end. */
const stale = async (cache: Cache, key: string): Promise<void> => {
  await cache.set(key, 'old', ml)
  await cache.expire(key, ml)
}
const seen = (entry: Entry<unknown> | undefined): unknown => entry && [entry.value, entry.stale]
/** Asks until the answer is what it should become, or for long enough. */
const later = async (ask: () => Promise<unknown>, expected: unknown): Promise<unknown> => {
  for (let n = 0; n < 400; n++) {
    if ((await ask()) === expected) return expected
    await rest(5)
  }
  return ask()
}

export const graceCases: readonly CacheCase[] = [
  define(
    'grace: what expired is gone for readers, and shown as stale by getEntry',
    async (cache, id) => {
      await stale(cache, id)
      return [
        await outcome(() => cache.get(id, ml)),
        await cache.has(id, ml),
        (await cache.getMany([id], ml)).size,
        seen(await cache.getEntry(id, ml)),
        await cache.touch(id, ml),
        await cache.expire(id, ml),
        await cache.delete(id, ml),
        seen(await cache.getEntry(id, ml)) ?? null,
      ]
    },
    [undef, false, 0, ['old', true], false, false, true, null],
  ),
  define(
    'grace: by option, beyond the ttl; false: none',
    async (cache, id) => {
      await cache.set(`${id}:some`, new Map([[1, 2n]]), { ttl: 30, grace: '1m' })
      await cache.set(`${id}:none`, 1, { ttl: 30, grace: false, ...ml })
      await rest(60)
      return [
        await cache.has(`${id}:some`),
        shown(seen(await cache.getEntry(`${id}:some`))),
        seen(await cache.getEntry(`${id}:none`, ml)) ?? null,
      ]
    },
    [false, shown([new Map([[1, 2n]]), true]), null],
  ),
  define(
    'grace: getOrSet answers the stale value at once, and the new one once it is computed',
    async (cache, id) => {
      await stale(cache, id)
      let finish = (_: string): void => undefined
      const contexts: boolean[] = []
      const factory = (context: { stale: boolean }) => {
        contexts.push(context.stale)
        return new Promise<string>((resolve) => {
          finish = resolve
        })
      }
      const answers = await Promise.all([1, 2, 3].map(() => cache.getOrSet(id, factory, ml)))
      finish('new')
      return [...answers, await later(() => cache.get(id, ml), 'new'), await cache.getOrSet(id, factory, ml), contexts]
    },
    ['old', 'old', 'old', 'new', 'new', [true]],
  ),
  define(
    'grace: not for who refuses it or wants a fresh value',
    async (cache, id) => {
      await stale(cache, `${id}:a`)
      await stale(cache, `${id}:b`)
      return [
        await cache.getOrSet(`${id}:a`, () => 'new', { ...ml, grace: false }),
        await cache.getOrSet(`${id}:b`, () => 'new', { ...ml, fresh: true }),
      ]
    },
    ['new', 'new'],
  ),
  define(
    'softTimeout: the new value if it comes in time, else the stale one',
    async (cache, id) => {
      const patient = { ...ml, softTimeout: '2s' } as const
      await stale(cache, `${id}:a`)
      await stale(cache, `${id}:b`)
      const slow = () => rest(60).then(() => 'new')
      return [
        await cache.getOrSet(`${id}:a`, slow, patient),
        await cache.getOrSet(`${id}:b`, slow, { ...ml, softTimeout: 10 }),
        await later(() => cache.get(`${id}:b`, ml), 'new'),
      ]
    },
    ['new', 'old', 'new'],
  ),
  define(
    'grace: while the factory fails the stale value is answered, and it is not asked again at once',
    async (cache, id) => {
      await stale(cache, id)
      let runs = 0
      const fails = async () => {
        runs++
        throw new RangeError('away')
      }
      const patient = { ...ml, softTimeout: '2s' } as const
      const answers = [await cache.getOrSet(id, fails, patient), await cache.getOrSet(id, fails, patient)]
      const refusing = await outcome(() => cache.getOrSet(id, fails, { ...ml, grace: false }))
      return [answers, refusing, runs]
    },
    [['old', 'old'], { name: 'RangeError', message: 'away' }, 2],
  ),
  define(
    'grace: a factory that finds nothing any more puts an end to the stale value',
    async (cache, id) => {
      await stale(cache, id)
      const first = await cache.getOrSet(id, () => undefined as unknown as string, { ...ml, softTimeout: '2s' })
      return [shown(first), await later(async () => (await cache.getEntry(id, ml)) === undefined, true)]
    },
    [undef, true],
  ),
  define(
    'grace: what is written or deleted while the value is renewed, wins',
    async (cache, id) => {
      const during = async (key: string, change: () => Promise<unknown>) => {
        await stale(cache, key)
        let finish = (): void => undefined
        let ended = false
        const old = await cache.getOrSet(
          key,
          async () => {
            await new Promise<void>((resolve) => {
              finish = resolve
            })
            ended = true
            return 'of before'
          },
          ml,
        )
        await change()
        finish()
        await later(async () => ended, true)
        await rest(30)
        return [old, (await cache.get(key, ml)) ?? null]
      }
      return [
        await during(`${id}:a`, () => cache.set(`${id}:a`, 'written', ml)),
        await during(`${id}:b`, () => cache.delete(`${id}:b`, ml)),
      ]
    },
    [
      ['old', 'written'],
      ['old', null],
    ],
  ),
]
