import type { EventConfig, Handlers } from 'motia'
import { z } from 'zod'
import { type OpenOrder, patience } from './order'

export const config: EventConfig = {
  type: 'event',
  name: 'ConfirmOrder',
  description: 'Turns the open order into a snapshot that is often read',
  flows: ['orders'],
  subscribes: ['orders.priced'],
  emits: ['orders.confirmed'],
  input: z.object({ orderId: z.string() }),
  infrastructure: patience,
}

export const handler: Handlers['ConfirmOrder'] = async ({ orderId }, { cache, state, emit }) => {
  const order = await state.get<OpenOrder>(orderId, 'order')
  const lines = await state.get<{ dish: string; quantity: number; cents: number }[]>(orderId, 'lines')
  if (!order || !lines) return

  // Keys begin with "order:" because older code reads them so: see receipt.step.ts.
  await cache.set(
    `order:${orderId}`,
    {
      id: orderId,
      userId: order.userId,
      lines,
      totalCents: lines.reduce((sum, line) => sum + line.cents, 0),
      placedAt: new Date(order.placedAt),
    },
    { category: 'orders' },
  )
  await state.clear(orderId)
  await emit({ topic: 'orders.confirmed', data: { orderId } })
}
