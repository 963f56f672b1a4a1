import type { CategoryCache } from 'motia-redis'

/** All keys of a category that begin with the prefix. It walks the instance: not for requests. */
export const keysOf = async (category: Pick<CategoryCache<unknown>, 'keys'>, prefix: string): Promise<string[]> => {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await category.keys({ prefix, cursor })
    found.push(...page.keys)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
}
