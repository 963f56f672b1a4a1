import type { ApiRouteConfig, Handlers } from 'motia'
import { validPath } from '../shared/valid-path'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'Profile',
  description: 'Answers a profile: from the cache, else through the loader in motia.config.ts',
  flows: ['users'],
  method: 'GET',
  path: '/users/:id',
  middleware: [validPath],
  emits: [],
}

export const handler: Handlers['Profile'] = async (req, { cache }) => {
  const profile = await cache.get(req.pathParams.id ?? '', { category: 'user' })
  if (!profile) return { status: 404, body: { error: 'nobody of that name' } }
  return {
    status: 200,
    body: { ...profile, memberForYears: new Date().getFullYear() - profile.memberSince.getFullYear() },
  }
}
