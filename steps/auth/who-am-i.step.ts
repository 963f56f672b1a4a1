import type { ApiRouteConfig, Handlers } from 'motia'
import { whenAway } from '../shared/when-away'
import { sessionOf, signInFirst } from './session'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'WhoAmI',
  description: 'Shows the session of the request',
  flows: ['auth'],
  method: 'GET',
  path: '/auth/session',
  middleware: [whenAway],
  emits: [],
}

export const handler: Handlers['WhoAmI'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst
  // issuedAt was set as a Date in another process, and is one here.
  return { status: 200, body: { userId: session.userId, role: session.role, issuedAt: session.issuedAt.getTime() } }
}
