import type { ApiRouteConfig, Handlers } from 'motia'
import { redisService } from 'motia-redis/step'
import { sessionOf, signInFirst } from '../auth/session'
import { validPath } from '../shared/valid-path'
import { whenAway } from '../shared/when-away'

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'Receipt',
  description: 'Older code, not migrated yet: it names no category, inferCategory in motia.config.ts finds it',
  flows: ['orders'],
  method: 'GET',
  path: '/orders/:id/receipt',
  middleware: [validPath, whenAway],
  emits: [],
}

interface Receipt {
  userId: string
  totalCents: number
  placedAt: Date
}

export const handler: Handlers['Receipt'] = async (req, { cache }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst

  const order = await redisService.getCache<Receipt>(`order:${req.pathParams.id}`)
  if (order?.userId !== session.userId) return { status: 404, body: { error: 'no such order' } }
  return { status: 200, body: { total: order.totalCents / 100, year: order.placedAt.getFullYear() } }
}
