import type { Instance } from '../../instances/instance.js'
import { script } from '../../instances/scripts.js'
import { bearsRule } from '../../instances/tag-scripts.js'
import { INDEX_PAGE, MOST_BYTES } from '../../instances/tagged.js'

/**
 * KEYS: copies. ARGV: most bytes, tags as JSON. Removes those that bear any of the tags; stops where their texts are more
 * than others should wait for. How many went, how many were looked at.
 */
const removeBearingScript = script(`${bearsRule}
local removed, bytes = 0, 0
for i, key in ipairs(KEYS) do
  if bytes > tonumber(ARGV[1]) then return {removed, i - 1} end
  local text = redis.call('GET', key)
  if text then
    bytes = bytes + #text
    for n = 2, #ARGV do
      if bears(text, ARGV[n]) then
        removed = removed + redis.call('UNLINK', key)
        break
      end
    end
  end
end
return {removed, #KEYS}`)

/**
 * Copies have no indexes, which would have to be there as long as any of them: an outage is short, and what begins so is
 * looked through.
 */
export const removeBearing = async (instance: Instance, prefix: string, tags: readonly string[]): Promise<number> => {
  const wanted = tags.map((tag) => JSON.stringify(tag))
  let removed = 0
  let cursor: string | undefined
  do {
    const page = await instance.scan(prefix, cursor, INDEX_PAGE)
    cursor = page.cursor
    for (let keys = page.keys; keys.length > 0; ) {
      const call = { script: removeBearingScript, keys, args: [MOST_BYTES, ...wanted] }
      const [gone, looked] = (await instance.script(call, 'change')) as [number, number]
      removed += gone
      keys = keys.slice(looked)
    }
  } while (cursor !== undefined)
  return removed
}
