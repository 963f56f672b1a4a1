/** The steps of an order share this: in state, in a group named after the order, under 'order'. */
export interface OpenOrder {
  userId: string
  placedAt: string
  lines: { dish: string; quantity: number }[]
}
