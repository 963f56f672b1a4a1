import type { ApiRequest } from 'motia'
import type { Cache } from 'motia-redis'

export const sessionIdOf = (req: ApiRequest<unknown>): string | undefined => {
  const { authorization } = req.headers
  return typeof authorization === 'string' ? /^Bearer ([\w-]{43})$/.exec(authorization)?.[1] : undefined
}

export const sessionOf = async (req: ApiRequest<unknown>, cache: Cache) => {
  const id = sessionIdOf(req)
  return id === undefined ? undefined : cache.get(id, { category: 'auth' })
}

export const signInFirst = { status: 401, body: { error: 'sign in first' } }
export const adminsOnly = { status: 403, body: { error: 'admins only' } }
