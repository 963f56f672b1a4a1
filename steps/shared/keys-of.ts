import type { CategoryCache } from 'motia-redis'

/** All keys of a category that begin with the prefix. They come in pages, as Redis finds them. */
export const keysOf = async (category: Pick<CategoryCache<unknown>, 'keys'>, prefix: string): Promise<string[]> => {
  let page = await category.keys({ prefix })
  const found = [...page.keys]
  while (page.cursor !== undefined) {
    page = await category.keys({ prefix, cursor: page.cursor })
    found.push(...page.keys)
  }
  return found
}
