import type { EventConfig, Handlers } from 'motia'
import { z } from 'zod'
import { tell } from './notifications'
import { patience } from './order'

export const config: EventConfig = {
  type: 'event',
  name: 'NotifyGuest',
  description: 'Last step of an order: tells the guest',
  flows: ['orders'],
  subscribes: ['orders.confirmed'],
  emits: ['analytics.count'],
  input: z.object({ orderId: z.string() }),
  infrastructure: patience,
}

export const handler: Handlers['NotifyGuest'] = async ({ orderId }, { cache, emit }) => {
  const order = await cache.get(`order:${orderId}`, { category: 'orders' })
  if (!order) return

  // placedAt was set as a Date by ConfirmOrder, in another process.
  const text = `Your order of ${order.placedAt.toISOString()} is on its way: ${(order.totalCents / 100).toFixed(2)} €`
  await tell(cache, order.userId, text)
  await emit({ topic: 'analytics.count', data: { counter: 'orders' } })
}
