import type { Settings } from '../settings/settings.js'

type Naming = Pick<Settings, 'legacyKeys' | 'categories' | 'inferCategory'>

/**
 * Whether what lies on an instance under a key as older code made it may be of a sensitive category. Such a key bears
 * no category's name: every category that reads older keys there would find it.
 */
export const mayBeSensitive = (
  { legacyKeys, categories, inferCategory }: Naming,
  instance: string,
  key: string,
): boolean => {
  if (!legacyKeys) return false
  if ([...categories.values()].some((each) => each.sensitive && each.instance === instance)) return true
  try {
    return categories.get(inferCategory(key) ?? 'cache')?.sensitive === true
  } catch {
    return true // then nobody knows
  }
}
