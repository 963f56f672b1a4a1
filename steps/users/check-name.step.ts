import type { EventConfig, Handlers } from 'motia'
import { z } from 'zod'
import { members } from '../shared/database'
import type { SignUp } from './sign-up'

export const config: EventConfig = {
  type: 'event',
  name: 'CheckName',
  description: 'Finds out whether the name is free',
  flows: ['users'],
  subscribes: ['users.sign-up-started'],
  emits: [],
  input: z.object({ signUpId: z.string() }),
}

export const handler: Handlers['CheckName'] = async ({ signUpId }, { state }) => {
  const signUp = await state.get<SignUp>(signUpId, 'progress')
  if (!signUp) return
  const taken = await members.get(signUp.userId)
  await state.set<SignUp>(signUpId, 'progress', { ...signUp, step: taken ? 'name taken' : 'choose password' })
}
