import type { ApiRouteHandler } from 'motia'
import type {} from 'motia-redis'
export const handler: ApiRouteHandler<unknown> = async (_req, { cache }) => {
  await cache.set('k', 1, { category: 'anything' })
  const value: number | undefined = await cache.get<number>('k', { category: 'anything' })
  await cache.get('k', { category: 'auth' })
  return { status: 200, body: { value } }
}
