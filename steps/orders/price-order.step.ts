import type { EventConfig, Handlers } from 'motia'
import { z } from 'zod'
import { todaysMenu } from '../menu/todays-menu'
import { type OpenOrder, patience } from './order'

export const config: EventConfig = {
  type: 'event',
  name: 'PriceOrder',
  description: "Prices the lines from today's menu",
  flows: ['orders'],
  subscribes: ['orders.placed'],
  emits: ['orders.priced'],
  input: z.object({ orderId: z.string() }),
  infrastructure: patience,
}

export const handler: Handlers['PriceOrder'] = async ({ orderId }, { cache, state, emit }) => {
  const order = await state.get<OpenOrder>(orderId, 'order')
  if (!order) return

  const { menu } = await todaysMenu(cache)
  const prices = new Map(menu.map((dish) => [dish.id, dish.cents]))
  const unknown = order.lines.find((line) => !prices.has(line.dish))
  if (unknown) {
    await state.set(orderId, 'refused', `there is no ${unknown.dish} today`)
    return
  }
  const lines = order.lines.map((line) => ({ ...line, cents: (prices.get(line.dish) ?? 0) * line.quantity }))
  await state.set(orderId, 'lines', lines)
  await emit({ topic: 'orders.priced', data: { orderId } })
}
