import type { ViewId } from './place.js'

const viewIds: readonly ViewId[] = ['overview', 'categories', 'keys', 'state', 'workflows', 'processes', 'hot']

const PLACE_AT = 'motia-redis-view'

/** The view, so that the tab opens where it was left. Not what was looked at in it: keys don't belong in storage. */
export const rememberView = (view: ViewId): void => {
  try {
    sessionStorage.setItem(PLACE_AT, view)
  } catch {
    // storage is denied: then it opens at the overview
  }
}

export const rememberedView = (): ViewId => {
  try {
    const view = sessionStorage.getItem(PLACE_AT)
    return viewIds.find((id) => id === view) ?? 'overview'
  } catch {
    return 'overview'
  }
}
