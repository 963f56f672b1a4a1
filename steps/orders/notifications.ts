import type { Cache } from 'motia-redis'

/** So many of a member are kept; one more takes the place of the oldest. */
const places = Array.from({ length: 20 }, (_, place) => place)
const keyOf = (userId: string, place: number): string => `${userId}:${place}`

/**
 * Each gets a number, and the number a place, so that of two at the same moment none is lost: a list in one entry would
 * lose the one that was read before the other was written. A step that Motia runs again may tell it twice.
 */
export const tell = async (cache: Cache, userId: string, text: string): Promise<void> => {
  const number = await cache.increment(`told:${userId}`, { category: 'analytics' })
  const key = keyOf(userId, number % places.length)
  await cache.set(key, { text, sentAt: new Date() }, { category: 'notifications' })
}

/** The places are known, so it is one round trip, and no walk through the instance's keys. */
export const toldTo = async (cache: Cache, userId: string) => {
  const keys = places.map((place) => keyOf(userId, place))
  const found = await cache.getMany(keys, { category: 'notifications' })
  return [...found.values()].sort((a, b) => b.sentAt.getTime() - a.sentAt.getTime())
}
