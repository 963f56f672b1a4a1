import type { EventConfig, Handlers } from 'motia'
import { z } from 'zod'
import { tell } from '../orders/notifications'

export const config: EventConfig = {
  type: 'event',
  name: 'NoticeLogin',
  description: 'Tells the member about the new login',
  flows: ['auth'],
  subscribes: ['auth.logged-in'],
  emits: ['analytics.count'],
  input: z.object({ trace: z.string() }),
}

export const handler: Handlers['NoticeLogin'] = async ({ trace }, { cache, state, emit }) => {
  const login = await state.get<{ userId: string; at: string }>(trace, 'login')
  if (!login) return // logged out already

  await tell(cache, login.userId, `New login at ${login.at}`)
  await state.set(trace, 'login', { ...login, noticed: true })
  await emit({ topic: 'analytics.count', data: { counter: 'logins' } })
}
