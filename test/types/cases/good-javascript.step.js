import { cache as shared, isCacheError } from 'motia-redis/step'

/** @type {import('motia').Handlers['GetMenu']} */
export const handler = async (_req, { cache }) => {
  const menu = await cache.get('today', { category: 'menu' })
  /** @type {number | undefined} */
  const price = menu?.price
  /** @type {Date | undefined} */
  const born = (await shared.category('user').get('1'))?.born
  try {
    await cache.set('today', { id: 'a', price: 2 }, { category: 'menu', ttl: '1m' })
  } catch (error) {
    if (isCacheError(error)) return { status: 503, body: { code: error.code } }
    throw error
  }
  return { status: 200, body: { price, born } }
}
