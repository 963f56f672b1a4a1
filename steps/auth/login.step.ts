import { randomBytes } from 'node:crypto'
import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { members } from '../shared/database'
import { validBody } from '../shared/valid-body'
import { passwordMatches } from './password'

const Body = z.object({ user: z.string().min(1).max(64), password: z.string().min(1).max(128) })

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'Login',
  description: 'Checks the password and issues a session',
  flows: ['auth'],
  method: 'POST',
  path: '/auth/login',
  bodySchema: Body,
  middleware: [validBody(Body)],
  emits: ['auth.logged-in'],
}

export const handler: Handlers['Login'] = async (req, { cache, state, emit, traceId }) => {
  const member = await members.get(req.body.user)
  if (!passwordMatches(req.body.password, member) || !member) {
    return { status: 401, body: { error: 'wrong user or password' } }
  }

  const sessionId = randomBytes(32).toString('base64url')
  const issuedAt = new Date()
  // Warm: every later request reads it. It dies by itself after the category's 15 minutes.
  await cache.set(sessionId, { userId: member.id, role: member.role, issuedAt, trace: traceId }, { category: 'auth' })
  // Hot: only the steps of this workflow need it.
  await state.set(traceId, 'login', { userId: member.id, at: issuedAt.toISOString(), noticed: false })
  await emit({ topic: 'auth.logged-in', data: { trace: traceId } })

  return { status: 200, body: { sessionId } }
}
