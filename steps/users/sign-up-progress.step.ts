import type { ApiRouteConfig, Handlers } from 'motia'
import { validPath } from '../shared/valid-path'
import { whenAway } from '../shared/when-away'
import type { SignUp } from './sign-up'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'SignUpProgress',
  description: 'How far a sign-up has come',
  flows: ['users'],
  method: 'GET',
  path: '/users/sign-up/:id',
  middleware: [validPath, whenAway],
  emits: [],
}

export const handler: Handlers['SignUpProgress'] = async (req, { state }) => {
  const signUp = await state.get<SignUp>(req.pathParams.id ?? '', 'progress')
  return signUp ? { status: 200, body: signUp } : { status: 404, body: { error: 'no such sign-up' } }
}
