import type { ApiRouteConfig, Handlers } from 'motia'
import { sessionOf, signInFirst } from '../auth/session'
import { validPath } from '../shared/valid-path'
import { whenAway } from '../shared/when-away'
import type { OpenOrder } from './order'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'ShowOrder',
  description: 'The snapshot once there is one, until then how far the order has come',
  flows: ['orders'],
  method: 'GET',
  path: '/orders/:id',
  middleware: [validPath, whenAway],
  emits: [],
}

export const handler: Handlers['ShowOrder'] = async (req, { cache, state }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst
  const id = req.pathParams.id ?? ''

  const order = await cache.get(`order:${id}`, { category: 'orders' })
  if (order?.userId === session.userId) return { status: 200, body: { status: 'confirmed', ...order } }

  const open = await state.get<OpenOrder>(id, 'order')
  if (open?.userId !== session.userId) return { status: 404, body: { error: 'no such order' } }
  const refused = await state.get<string>(id, 'refused')
  return { status: 200, body: refused ? { status: 'refused', reason: refused } : { status: 'open', ...open } }
}
