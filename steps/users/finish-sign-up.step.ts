import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { hashPassword } from '../auth/password'
import { members } from '../shared/database'
import { validBody } from '../shared/valid-body'
import { validPath } from '../shared/valid-path'
import { whenAway } from '../shared/when-away'
import type { SignUp } from './sign-up'

const Body = z.object({ password: z.string().min(8).max(128) })

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'FinishSignUp',
  description: 'Last request of a sign-up: the password',
  flows: ['users'],
  method: 'POST',
  path: '/users/sign-up/:id/password',
  bodySchema: Body,
  middleware: [validPath, whenAway, validBody(Body)],
  emits: [],
}

export const handler: Handlers['FinishSignUp'] = async (req, { cache, state }) => {
  const signUpId = req.pathParams.id ?? ''
  const signUp = await state.get<SignUp>(signUpId, 'progress')
  if (signUp?.step !== 'choose password')
    return { status: 409, body: { error: 'not at that point', step: signUp?.step } }

  const { userId, name } = signUp
  const since = new Date().toISOString()
  // CheckName looked minutes or days ago: whoever took the name since then keeps it, and the password.
  if (!(await members.add({ id: userId, name, role: 'guest', since, ...hashPassword(req.body.password) }))) {
    await state.set<SignUp>(signUpId, 'progress', { ...signUp, step: 'name taken' })
    return { status: 409, body: { error: 'name taken' } }
  }
  await cache.delete(userId, { category: 'user' }) // that there was nobody may be remembered
  await state.clear(signUpId)
  return { status: 201, body: { userId } }
}
