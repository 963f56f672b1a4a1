import { randomUUID } from 'node:crypto'
import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { validBody } from '../shared/valid-body'
import type { SignUp } from './sign-up'

const Body = z.object({ name: z.string().regex(/^[A-Za-z][A-Za-z ]{1,31}$/, 'two to 32 letters') })

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'StartSignUp',
  description: 'First request of a sign-up: the name',
  flows: ['users'],
  method: 'POST',
  path: '/users/sign-up',
  bodySchema: Body,
  middleware: [validBody(Body)],
  emits: ['users.sign-up-started'],
}

export const handler: Handlers['StartSignUp'] = async (req, { state, emit }) => {
  const { name } = req.body
  const signUpId = randomUUID()
  const userId = name.trim().toLowerCase().replaceAll(' ', '-')

  await state.set<SignUp>(signUpId, 'progress', { name, userId, step: 'checking name' })
  await emit({ topic: 'users.sign-up-started', data: { signUpId } })
  return { status: 202, body: { signUpId } }
}
