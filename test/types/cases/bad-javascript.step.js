/** @type {import('motia').Handlers['GetMenu']} */
export const handler = async (_req, { cache }) => {
  await cache.get('today', { category: 'meun' })
  await cache.set('today', { id: 'a', price: '2' }, { category: 'menu' })
  await cache.clear()
  /** @type {number | undefined} */
  const price = (await cache.get('today', { category: 'menu' }))?.id
  return { status: 200, body: { price } }
}
