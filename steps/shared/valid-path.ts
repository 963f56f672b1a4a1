import type { ApiMiddleware } from 'motia'

/** Ids in a path are short and plain; whatever else comes there is no page of ours. */
export const validPath: ApiMiddleware<unknown, never, unknown> = async (req, _context, next) =>
  Object.values(req.pathParams).every((id) => /^[\w-]{1,64}$/.test(id))
    ? next()
    : { status: 404, body: { error: 'not found' } }
