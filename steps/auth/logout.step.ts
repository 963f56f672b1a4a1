import type { ApiRouteConfig, Handlers } from 'motia'
import { whenAway } from '../shared/when-away'
import { sessionIdOf, signInFirst } from './session'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'Logout',
  description: 'Ends the session and forgets its workflow',
  flows: ['auth'],
  method: 'POST',
  path: '/auth/logout',
  middleware: [whenAway],
  emits: [],
}

export const handler: Handlers['Logout'] = async (req, { cache, state }) => {
  const sessions = cache.category('auth')
  const id = sessionIdOf(req)
  const session = id === undefined ? undefined : await sessions.get(id)
  if (id === undefined || !session) return signInFirst

  await sessions.delete(id)
  await state.clear(session.trace)
  return { status: 200, body: { goodbye: session.userId } }
}
