import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { adminsOnly, sessionOf, signInFirst } from '../auth/session'
import { dishes } from '../shared/database'
import { validBody } from '../shared/valid-body'
import { validPath } from '../shared/valid-path'
import { whenAway } from '../shared/when-away'

const Body = z.object({ cents: z.number().multipleOf(1).min(1).max(100_000) })

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'ChangePrice',
  description: 'For admins: a new price, and the cached menu is gone',
  flows: ['menu'],
  method: 'PUT',
  path: '/menu/:dish',
  bodySchema: Body,
  middleware: [validPath, whenAway, validBody(Body)],
  emits: [],
}

export const handler: Handlers['ChangePrice'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst
  if (session.role !== 'admin') return adminsOnly

  const dish = await dishes.get(req.pathParams.dish ?? '')
  if (!dish) return { status: 404, body: { error: 'no such dish' } }
  const changed = { ...dish, cents: req.body.cents }
  await dishes.put(changed)
  await cache.delete('today', { category: 'menu' }) // first the database, then the cache
  return { status: 200, body: changed }
}
