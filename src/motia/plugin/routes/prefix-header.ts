/** The `prefix` of a question, percent-encoded as in a URL. */
const PREFIX_HEADER = 'x-motia-redis-prefix'

/**
 * A question's query, and what its header adds. In a sensitive category the prefix is a whole key, a session's id perhaps,
 * and URLs are what servers and proxies write into their logs.
 */
export const withPrefix = (
  query: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, unknown>> => {
  const sent = headers[PREFIX_HEADER]
  return sent === undefined ? query : { ...query, prefix: typeof sent === 'string' ? decoded(sent) : sent }
}

/** What isn't encoded as it should be is nobody's key, and is taken as it came. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
