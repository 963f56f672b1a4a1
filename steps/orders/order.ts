/** The steps of an order share this: in state, in a group named after the order, under 'order'. */
export interface OpenOrder {
  userId: string
  placedAt: string
  lines: { dish: string; quantity: number }[]
}

/**
 * Motia runs a failed event step again every 2 seconds, 3 times unless told otherwise. So often an order waits a minute
 * for what can't be known while both Redis are away: with one of them nothing fails.
 */
export const patience = { queue: { maxRetries: 30 } }
