import type { ApiMiddleware } from 'motia'
import type { z } from 'zod'

/** Motia shows `bodySchema` and derives types from it, but lets any body through. This checks it. */
export const validBody =
  (schema: z.ZodType): ApiMiddleware<unknown, never, unknown> =>
  async (req, _context, next) => {
    const result = schema.safeParse(req.body)
    if (!result.success) {
      const problems = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      return { status: 400, body: { error: 'invalid body', problems } }
    }
    req.body = result.data
    return next()
  }
