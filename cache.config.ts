import type { CategoryPolicies } from 'motia-redis'
import { z } from 'zod'

export const Session = z.object({
  userId: z.string(),
  role: z.enum(['guest', 'admin']),
  issuedAt: z.date(),
  /** The workflow state of this login lies in the group of this name. */
  trace: z.string(),
})

export const Profile = z.object({ id: z.string(), name: z.string(), memberSince: z.date() })

export const Dish = z.object({ id: z.string(), name: z.string(), cents: z.int().positive() })

export const Order = z.object({
  id: z.string(),
  userId: z.string(),
  lines: z.array(z.object({ dish: z.string(), quantity: z.int(), cents: z.int() })),
  totalCents: z.int(),
  placedAt: z.date(),
})

export const Notification = z.object({ text: z.string(), sentAt: z.date() })

/** What the app caches. A home, a ttl and the rest come with the known names: see docs/configuration.md. */
export const categories = {
  auth: { schema: Session },
  orders: { schema: Order },
  notifications: { schema: Notification },
  analytics: {},
  user: { schema: Profile },
  menu: { schema: z.array(Dish), ttl: '6h' },
} satisfies CategoryPolicies

declare module 'motia-redis' {
  interface Register {
    categories: typeof categories
  }
}
