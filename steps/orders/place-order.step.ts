import { randomUUID } from 'node:crypto'
import type { ApiRouteConfig, Handlers } from 'motia'
import { z } from 'zod'
import { sessionOf, signInFirst } from '../auth/session'
import { validBody } from '../shared/valid-body'
import { whenAway } from '../shared/when-away'
import type { OpenOrder } from './order'

// multipleOf(1), not z.int(): Motia's generated type of an integer is unknown.
const Body = z.object({
  lines: z
    .array(z.object({ dish: z.string().max(64), quantity: z.number().multipleOf(1).min(1).max(20) }))
    .min(1)
    .max(20),
})

export const config: ApiRouteConfig = {
  type: 'api',
  name: 'PlaceOrder',
  description: 'Takes an order; the rest happens in events',
  flows: ['orders'],
  method: 'POST',
  path: '/orders',
  bodySchema: Body,
  middleware: [whenAway, validBody(Body)],
  emits: ['orders.placed'],
}

export const handler: Handlers['PlaceOrder'] = async (req, { cache, state, emit }) => {
  const session = await sessionOf(req, cache)
  if (!session) return signInFirst

  const orderId = randomUUID()
  const order = { userId: session.userId, placedAt: new Date().toISOString(), lines: req.body.lines }
  await state.set<OpenOrder>(orderId, 'order', order)
  await emit({ topic: 'orders.placed', data: { orderId } })
  return { status: 202, body: { orderId } }
}
