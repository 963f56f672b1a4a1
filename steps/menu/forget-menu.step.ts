import type { ApiRouteConfig, Handlers } from 'motia'
import { adminsOnly, sessionOf, signInFirst } from '../auth/session'
import { whenAway } from '../shared/when-away'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'ForgetMenu',
  description: 'For admins: clears the whole category',
  flows: ['menu'],
  method: 'DELETE',
  path: '/menu/cache',
  middleware: [whenAway],
  emits: [],
}

export const handler: Handlers['ForgetMenu'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst
  if (session.role !== 'admin') return adminsOnly

  await cache.clear({ category: 'menu' })
  return { status: 200, body: { cleared: 'menu' } }
}
